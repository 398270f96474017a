"""TOML for people says what tomllib reads."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmarlsim.storage.toml import WIDTH, readable_toml

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = st.one_of(TEXT, st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.booleans())
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=3)
)
FLAT = st.dictionaries(TEXT, VALUES, max_size=4)


@given(st.dictionaries(TEXT, st.one_of(VALUES, FLAT, st.lists(FLAT, max_size=3)), max_size=5))
def test_what_is_written_is_read_again(data: dict[str, object]) -> None:
    assert tomllib.loads(readable_toml(data)) == data


def test_a_floor_plan_has_a_line_for_each_edge_and_each_wall() -> None:
    text = readable_toml(
        {"name": "a", "edges": [["a", "b"]] * 30, "walls": [{"points": [[0.0, 1.5], [2.0, 3.0]]}]}
    )
    assert text.count("\n") == 1 + 32 + 1 + 2
    assert max(map(len, text.splitlines())) <= WIDTH


@pytest.mark.parametrize("number", [0.1, 1e300, 5e-324, -0.0, 1e16, 123456789.123456789])
def test_numbers_are_exact(number: float) -> None:
    assert tomllib.loads(readable_toml({"x": number}))["x"] == number
