"""Which events the conditions of a stage let in: a table of operators and property values."""

from dataclasses import replace

import orjson
import pytest

from funnelhouse.schemas.rules import StageRule
from tests.conftest import PreparedWarehouse
from tests.sql.history import Road, Told, bring, rule

ABSENT = "absent"
# (operator, values) and the property as JSON text, and whether the event enters.
TABLE = [
    ("is", ["a"], '"a"', True),
    ("is", ["a"], '"b"', False),
    ("is", ["a"], '"A"', False),
    ("is", ["a"], ABSENT, False),
    ("is", ["a"], "null", False),
    ("is", ["a"], '["a"]', False),
    ("is", ["서류합격"], '"서류합격"', True),
    ("is", ["서류합격"], '"\\uc11c\\ub958\\ud569\\uaca9"', True),
    ("is", ['say "hi"'], '"say \\"hi\\""', True),
    ("is", ["1"], "1", False),
    ("is", [1], "1", True),
    ("is", [1], '"1"', False),
    ("is", [1], "1.0", True),
    ("is", [1.5], "1.50", True),
    ("is", [True], "true", True),
    ("is", [True], "false", False),
    ("is", [True], "1", False),
    ("is", [False], ABSENT, False),
    ("in", ["a", "b"], '"b"', True),
    ("in", ["a", "b"], '"c"', False),
    ("in", [1, "a"], "1", True),
    ("in", ["a", "b"], ABSENT, False),
    ("not", ["a"], '"b"', True),
    ("not", ["a"], '"a"', False),
    ("not", ["a", "b"], '"b"', False),
    ("not", ["a"], ABSENT, True),
    ("not", ["a"], "null", True),
    ("exists", [True], '"a"', True),
    ("exists", [True], "null", True),
    ("exists", [True], ABSENT, False),
    ("exists", [False], ABSENT, True),
    ("exists", [False], '"a"', False),
    ("gt", [10], "10", False),
    ("gt", [10], "10.5", True),
    ("gt", [10], ABSENT, False),
    ("gt", [-1], ABSENT, False),
    ("gt", [-1], "null", False),
    ("gt", [-1], '"many"', False),
    ("gte", [10], "10", True),
    ("gte", [10], "9.99", False),
    ("gte", [1.5], "2", True),
    ("gte", [1.5], "1e3", True),
    ("lt", [10], "9", True),
    ("lt", [10], "10", False),
    ("lt", [10], "-3", True),
    ("lt", [10], ABSENT, False),
    ("lt", [10], "null", False),
    ("lt", [10], '"many"', False),
    ("lt", [10], "true", False),
    ("lte", [10], "10", True),
    ("lte", [10], "10.01", False),
    ("lte", [0], ABSENT, False),
]


def asking(position: int, *conditions: tuple[str, str, list[object]]) -> StageRule:
    """Return the rule of one stage that is entered by the event `asked`."""
    texts = [
        (name, operator, [orjson.dumps(value).decode() for value in values])
        for name, operator, values in conditions
    ]
    stage = f"stage_{position}"
    return rule(position, stage, "asked", conditions=texts)


def properties(**texts: str) -> str:
    """Return properties as sent, each value a JSON text."""
    given = [f'"{name}": {text}' for name, text in texts.items() if text != ABSENT]
    return "{" + ", ".join(['"product": "camp"', *given]) + "}"


def asked(number: int, sent: str) -> Told:
    """Return the event of one line of a table, told apart by its person."""
    return Told(id=number, came=number, name="asked", user=f"{number}", raw_properties=sent)


@pytest.fixture(scope="module")
def entered(
    warehouse: PreparedWarehouse, tmp_path_factory: pytest.TempPathFactory
) -> set[tuple[int, int]]:
    """Give all pairs of stage and event, by their line in the table, that came about."""
    warehouse.empty()
    rules = [asking(n, ("asked", operator, list(values))) for n, (operator, values, *_) in _LINES]
    bring(warehouse.client, rules)
    history = [asked(n, properties(asked=text)) for n, (_, _, text, _) in _LINES]
    Road(warehouse.place, tmp_path_factory.mktemp("conditions")).load([history])
    found = warehouse.client.query("SELECT stage_position, toUInt32(person_id) FROM stage_entries")
    return set(map(tuple, found.result_rows))


_LINES = list(enumerate(TABLE, start=1))


@pytest.mark.parametrize(("line", "told"), _LINES, ids=str)
def test_a_condition_lets_in_what_the_table_says(
    entered: set[tuple[int, int]], line: int, told: tuple[str, list[object], str, bool]
) -> None:
    """An event enters a stage exactly when its property fulfils the stage's condition."""
    assert ((line, line) in entered) == told[-1]


def test_all_conditions_of_a_stage_must_hold(
    warehouse: PreparedWarehouse, tmp_path: pytest.TempPathFactory
) -> None:
    """An event that fulfils one of two conditions does not enter; a stage has any of its events."""
    warehouse.empty()
    both = asking(1, ("plan", "is", ["long"]), ("fee", "gte", [100]))
    rules = [both, replace(both, event_name="asked_again", conditions=[])]
    bring(warehouse.client, rules)
    history = [
        asked(1, properties(plan='"long"', fee="100")),
        asked(2, properties(plan='"long"', fee="99")),
        asked(3, properties(plan='"short"', fee="100")),
        replace(asked(4, properties()), name="asked_again"),
    ]
    Road(warehouse.place, tmp_path).load([history])
    found = warehouse.client.query("SELECT person_id FROM stage_entries ORDER BY ALL").result_rows
    assert found == [("1",), ("4",)]
