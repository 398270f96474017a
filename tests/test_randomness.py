"""Every draw has an address: seed, name, index."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cmarlsim.errors import InputError
from cmarlsim.kernels.uniform import fill_uniforms
from cmarlsim.randomness import check_seed, stream, uniforms

pytestmark = pytest.mark.kernels


@pytest.mark.parametrize("shape", [(1,), (3,), (4,), (5, 2), (7, 3)])
def test_rows_do_not_depend_on_what_else_is_asked_for(shape: tuple[int, ...]) -> None:
    whole = uniforms(3, "action", 0, 9, shape)
    parts = [uniforms(3, "action", first, count, shape) for first, count in ((0, 2), (2, 1), (3, 6))]
    assert np.array_equal(whole, np.concatenate(parts))


def test_an_empty_row_is_possible() -> None:
    assert uniforms(0, "link", 4, 3, (10, 0)).shape == (3, 10, 0)


def test_seeds_and_names_share_no_stream() -> None:
    tables = [uniforms(seed, name, 0, 50, (10,)) for seed in range(20) for name in ("action", "link")]
    values = np.concatenate([table.ravel() for table in tables])
    assert len(np.unique(values)) == len(values)
    correlation = np.corrcoef([table.ravel() for table in tables])
    np.fill_diagonal(correlation, 0.0)
    assert np.abs(correlation).max() < 6 / np.sqrt(500)


def draws(key: int, count: int, first: int = 0) -> NDArray[np.float64]:
    out = np.empty(count)
    with np.errstate(over="ignore"):
        fill_uniforms(np.uint64(key), np.uint64(first), out)
    return out


def test_draws_are_those_published_for_splitmix64() -> None:
    """The first outputs for the state 1234567; a draw is the upper 53 bits."""
    outputs = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    expected = [(output >> 11) * 2.0**-53 for output in outputs]
    assert draws(1234567, 5).tolist() == expected
    assert draws(1234567, 3, first=2).tolist() == expected[2:]


def test_draws_are_below_one_whatever_the_key() -> None:
    for key in (0, 1, 2**63, 2**64 - 1):
        values = draws(key, 2000, first=2**64 - 1000)  # counts wrap around
        assert 0 <= values.min() < values.max() < 1
        assert len(np.unique(values)) == 2000


def test_streams_of_different_index_differ() -> None:
    first = {float(stream(0, "training", stage, i).random()) for stage in range(5) for i in range(50)}
    assert len(first) == 250


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(InputError, match="seed = -1"):
        check_seed(-1)
