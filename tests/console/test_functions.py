"""What names mean to the engine is read from its own list, in small letters."""

import pytest

from funnelhouse.console.statements.functions import Functions, takes_function

FUNCTIONS = Functions(frozenset({"sum", "file", "brandnew", "brandnewmap", "tuplemap"}))


@pytest.mark.parametrize(
    ("name", "called", "handed", "alone", "free"),
    [
        ("sum", True, True, True, False),
        ("sumMap", True, True, True, False),
        ("file", False, False, True, False),
        ("FILE", False, False, True, False),
        ("fileIf", False, False, False, False),
        ("currentRequestURL", False, False, False, False),
        ("arrayReduce", True, False, True, False),
        ("brandNew", False, False, False, False),
        ("brandNewIf", False, False, False, False),
        ("tupleMap", False, False, False, False),
        ("twice", False, True, True, True),
    ],
)
def test_a_name_may_be_what_its_function_is(
    name: str, *, called: bool, handed: bool, alone: bool, free: bool
) -> None:
    """A function that nobody has listed is none, though a listed one ends like it."""
    assert FUNCTIONS.may_be_called(name) == called
    assert FUNCTIONS.may_be_handed(name) == handed
    assert FUNCTIONS.may_be_column(name) == alone
    assert FUNCTIONS.is_free(name) == free


@pytest.mark.parametrize(
    ("written", "passes"),
    [
        ("UInt8", True),
        ("Array(AggregateFunction(sum, UInt8))", True),
        ("AggregateFunction(1, sumIf, UInt8, UInt8)", True),
        ("SimpleAggregateFunction(sum, UInt8)", True),
        ("AggregateFunction(brandNew, UInt8)", False),
        ("Tuple(AggregateFunction(sum, UInt8), AggregateFunction(aggThrow(0.5), UInt8))", False),
        ("AggregateFunction (aggThrow, UInt8)", False),
        ("aggregatefunction(aggThrow, UInt8)", False),
        ("AggregateFunction(`aggThrow`, UInt8)", False),
    ],
)
def test_the_functions_in_a_type_are_listed(written: str, *, passes: bool) -> None:
    """However the type is written: what cannot be read is refused."""
    assert FUNCTIONS.may_be_type(written) == passes


def test_functions_of_arrays_and_maps_take_functions() -> None:
    """But not those that only make an array or a map."""
    assert all(map(takes_function, ("arrayMap", "MAPAPPLY", "lambda", "arrayNotYetKnown")))
    assert not any(map(takes_function, ("array", "map", "concat")))
