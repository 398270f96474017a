"""Buildings with polygons, one-way edges, lengths of their own, lifts and levels."""

import buildings
import pytest
from cases import Case, policy_of
from hypothesis import given, settings
from test_engine import check_against_twin

pytestmark = pytest.mark.kernels


@given(buildings.random_buildings())
@settings(max_examples=200)
def test_random_buildings_equal_the_twins(case: Case) -> None:
    check_against_twin(case, policy_of(case), 4, 4)
