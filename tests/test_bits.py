"""Sets as bits of words, against Python's sets."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from kernels import bools_of, unset_words

from cmarlsim.kernels.bits import Words, clear, full_set, has, only_one, put, unite, words_for

pytestmark = pytest.mark.kernels

SIZES = (1, 63, 64, 65, 128, 130)


@st.composite
def sizes_and_sets(draw: st.DrawFn, sets: int) -> tuple[int, list[set[int]]]:
    """A number of elements, and sets of them."""
    size = draw(st.sampled_from(SIZES))
    ends = st.sampled_from(sorted({i for i in (0, 62, 63, 64, 65, 127, 128, size - 1) if i < size}))
    return size, [draw(st.sets(ends | st.integers(0, size - 1))) for _ in range(sets)]


def words_with(members: set[int], size: int) -> Words:
    words = np.zeros(words_for(size), dtype=np.uint64)
    for i in members:
        put(words, i, True)
    return words


def members_of(words: Words, size: int) -> set[int]:
    """Without the package's own `has`."""
    return set(np.flatnonzero(bools_of(words, size)).tolist())


@pytest.mark.parametrize(
    ("size", "words"), [(1, 1), (63, 1), (64, 1), (65, 2), (128, 2), (129, 3), (130, 3), (65_535, 1024)]
)
def test_64_elements_take_a_word(size: int, words: int) -> None:
    assert words_for(size) == words


@given(sizes_and_sets(1))
def test_a_set_has_what_was_put_into_it(drawn: tuple[int, list[set[int]]]) -> None:
    size, [members] = drawn
    words = words_with(members, size)
    assert members_of(words, size) == members
    assert {i for i in range(size) if has(words, i)} == members


@given(sizes_and_sets(1))
def test_the_only_element_is_found(drawn: tuple[int, list[set[int]]]) -> None:
    size, [members] = drawn
    for some in (members, set(list(members)[:1])):
        assert only_one(words_with(some, size)) == (min(some) if len(some) == 1 else -1)


@given(sizes_and_sets(3))
def test_elements_are_put_in_and_taken_out(drawn: tuple[int, list[set[int]]]) -> None:
    size, [members, more, fewer] = drawn
    words = words_with(members, size)
    for changes, present in ((more, True), (fewer, False), (fewer, False)):
        for i in changes:
            put(words, i, present)
        assert members_of(words, size) == (members | more if present else (members | more) - fewer)


@given(sizes_and_sets(2))
def test_a_union_changes_only_the_set_it_goes_into(drawn: tuple[int, list[set[int]]]) -> None:
    size, [left, right] = drawn
    into, words = words_with(left, size), words_with(right, size)
    unite(into, words)
    assert members_of(into, size) == left | right
    assert members_of(words, size) == right


@pytest.mark.parametrize("size", SIZES)
def test_the_full_set_and_the_empty_one(size: int) -> None:
    words = full_set(size)
    assert len(words) == words_for(size)
    assert members_of(words, size) == set(range(size))
    clear(words)
    assert not words.any()
    everything = unset_words(words_for(size))
    clear(everything)
    assert not everything.any()
