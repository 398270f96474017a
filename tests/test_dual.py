"""The contractive dual update, eq. 16 and 18."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import naive
import numpy as np
import pytest
from hypothesis import given

from cmarlsim.kernels import dual
from cmarlsim.kernels.world import Bools, Floats

pytestmark = pytest.mark.kernels

T0 = 8
zones = st.integers(1, 6)
rates = st.tuples(st.sampled_from([0.0, 0.01, 0.3, 0.99]), st.sampled_from([0.1, 0.5, 3.0]))


def updated(lam: Floats, attended: Bools, c: Floats, alpha: float, eta: float) -> Floats:
    """(M,) from (M,) and (T0, M)."""
    known = attended.sum(axis=0).tolist()
    pairs = zip(lam.tolist(), c.tolist(), known, strict=True)
    return np.array([dual.updated(old, low, alpha, eta, count, len(attended)) for old, low, count in pairs])


@given(zones.flatmap(lambda M: hnp.arrays(np.bool_, (T0, M))), rates, st.integers(0, 2**32))
def test_an_update_equals_the_twins(attended: Bools, rate: tuple[float, float], seed: int) -> None:
    generator, M = np.random.default_rng(seed), attended.shape[1]
    lam, c = generator.exponential(size=M), generator.random(M)
    assert updated(lam, attended, c, *rate) == pytest.approx(
        naive.dual_update(lam, attended, c, *rate), rel=0, abs=1e-12
    )


@given(zones.flatmap(lambda M: hnp.arrays(np.bool_, (T0, M))), rates, st.integers(0, 2**32))
def test_updates_of_arrays_are_the_kernels_bit_for_bit(
    attended: Bools, rate: tuple[float, float], seed: int
) -> None:
    generator, M = np.random.default_rng(seed), attended.shape[1]
    lam, c, (alpha, eta) = generator.exponential(size=(3, M)), generator.random(M), rate
    found = dual.updated_all(lam, c, alpha, eta / T0, attended.sum(axis=0), T0)
    assert (found == [updated(each, attended, c, alpha, eta) for each in lam]).all()
