"""No function that is not allow-listed passes the judge, in any form that the engine knows."""

from collections.abc import Iterable, Iterator
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from funnelhouse.console.statements.functions import read_functions, takes_function
from funnelhouse.console.statements.judge import Readable, Statement, StatementError, judge
from funnelhouse.sql.client import DATABASE, connect
from tests.conftest import PreparedWarehouse
from tests.console.forms import AGGREGATES, DEAD, EXPLAINS, SCALARS, fill

CANARY = "a canary sings in no statement"
READABLE = Readable(DATABASE, ())
FORMS = (*SCALARS, *EXPLAINS, *AGGREGATES, *DEAD)
REFUSED_BY_THE_ENGINE = {"SELECT * FROM values('s String', @(#))"}
"""Forms in which a reader's connection reads no file even without the judge."""
HIGHER_ORDER = {
    **dict.fromkeys(("mapAll", "mapExists", "mapFilter", "mapSort", "mapReverseSort"), "less, #"),
    **dict.fromkeys(("mapPartialSort", "mapPartialReverseSort"), "less, 1, #"),
    **dict.fromkeys(("arrayPartialSort", "arrayPartialReverseSort"), "isNotNull, 1, @"),
    **dict.fromkeys(("arrayTopK", "arrayBottomK"), "isNotNull, 1, @"),
    "arrayFold": "plus, @, toInt64(0)",
}
"""Arguments of higher-order functions, where they are not a function and an array."""
NOT_BY_NAME = {"mapApply"}
"""Takes a function that makes pairs: only a lambda does."""


@pytest.fixture(scope="module")
def canary(warehouse: PreparedWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the path of a file that no statement may read; a table holds the path too."""
    path = tmp_path_factory.mktemp("canary") / "canary"
    path.write_text(CANARY, encoding="utf-8")
    warehouse.client.command(
        "CREATE TABLE canaries ENGINE = MergeTree ORDER BY () AS SELECT {path:String} AS path",
        parameters={"path": str(path)},
    )
    yield str(path)
    warehouse.client.command("DROP TABLE canaries")


@pytest.fixture(scope="module")
def reader(warehouse: PreparedWarehouse, canary: str) -> Iterator[Client]:
    """Give a connection that can only read."""
    assert Path(canary).exists()
    client = connect(warehouse.place, readonly=True)
    yield client
    client.close()


@pytest.fixture(scope="module")
def unlisted(reader: Client) -> list[str]:
    """Give every function of the engine that may not be called."""
    functions = read_functions(reader)
    rows = reader.query("SELECT name FROM system.functions ORDER BY name").result_rows
    names = [name for (name,) in rows if not functions.may_be_called(name)]
    assert {"file", "throwIf", "filesystemCapacity", "displayName", "aggThrow"} <= set(names)
    return names


def test_each_form_is_alive(reader: Client, canary: str) -> None:
    """With a function that is allow-listed it passes the judge, and the answer is right."""
    dead = [form for form in SCALARS if not _answers(reader, form, "upper", canary, canary.upper())]
    dead += [form for form in AGGREGATES if not _answers(reader, form, "any", canary, canary)]
    dead += [form for form in EXPLAINS if not _answers(reader, form, "upper", canary, "")]
    assert dead == []


def test_each_form_reads_a_file_where_nobody_judges(reader: Client, canary: str) -> None:
    """So that a refusal is the judge's work: run by the engine itself, it gives the file away."""
    held = {form for form in SCALARS if not _reads(reader, form, canary)}
    assert held == REFUSED_BY_THE_ENGINE


def test_no_unlisted_function_passes(reader: Client, unlisted: list[str], canary: str) -> None:
    """Every function called, handed over and in two more forms, every form with five of them."""
    forms = cycle(FORMS)
    asked = [(form, name) for name in unlisted for form in islice(forms, 2)]
    asked += [(form, name) for form in FORMS for name in ("file", "throwIf", "aggThrow")]
    asked += list(product(("SELECT @(#)", "SELECT arrayMap(@, [#])"), unlisted))
    assert _passed(reader, asked, canary) == []


@pytest.mark.slow
def test_no_unlisted_function_passes_in_any_form(
    reader: Client, unlisted: list[str], canary: str
) -> None:
    """The whole product of functions and forms."""
    assert _passed(reader, product(FORMS, unlisted), canary) == []


def test_a_name_alone_is_no_call(reader: Client, unlisted: list[str]) -> None:
    """Some functions run without brackets: what passes alone is no function to the engine."""
    ran = []
    for name in unlisted:
        statement = _judged(reader, f"SELECT {name}", name)
        if isinstance(statement, str):
            continue
        with pytest.raises(ClickHouseError, match="UNKNOWN_IDENTIFIER"):
            reader.query(statement.text)
        ran.append(name)
    assert {"currentRequestURL", "getClientHTTPHeader"} <= set(unlisted) - set(ran)
    assert set(ran) <= {
        "file",
        "hostName",
        "hostname",
        "tid",
        "buildId",
        "partitionId",
        "sleep",
    } | {"partitionID"}


def test_every_higher_order_function_takes_listed_ones_alone(reader: Client) -> None:
    """Handed to it bare, quoted, escaped, with an alias or as a parameter."""
    rows = reader.query("SELECT name FROM system.functions WHERE higher_order").result_rows
    names = sorted(name for (name,) in rows)
    assert len(names) > 30
    assert all(map(takes_function, names))
    writings = ("@", "`@`", '"@"', "`^`", "(@ AS q)", "{f:Identifier}")
    for name, writing in product(names, writings):
        given = HIGHER_ORDER.get(name, "isNotNull, @")
        listed, _, rest = given.partition(", ")
        rest = rest.replace("#", "map(1, 2)").replace("@", "[2, 1]")
        form = f"SELECT {name}({writing}, {rest})"
        assert isinstance(_judged(reader, fill(form, "file"), "file"), str), form
        statement = _judged(reader, fill(form, listed), listed)
        assert not isinstance(statement, str), statement
        if name not in NOT_BY_NAME:
            reader.query(statement.text, parameters=dict(statement.parameters))


def test_judging_runs_nothing(reader: Client, canary: str) -> None:
    """A missing file is no fault of the engine's while it is judged, only where a tree is made."""
    missing = f"'{canary}.missing'"
    for form in (*SCALARS, *EXPLAINS):
        told = _judged(reader, fill(form, "file", missing), "file", f"{canary}.missing")
        assert isinstance(told, str)
        assert not told.startswith("Code: "), told
    with pytest.raises(ClickHouseError, match="107"):
        reader.query(f"EXPLAIN QUERY TREE SELECT file({missing})")


@pytest.mark.slow
def test_a_name_beside_a_call_is_no_function(reader: Client, canary: str) -> None:
    """A function that takes no function reads nothing when it is given the name of one."""
    rows = reader.query("SELECT name FROM system.functions").result_rows
    functions = read_functions(reader)
    for (name,) in rows:
        if not functions.may_be_called(name):
            continue
        for form in ("{}(file, [#])", "{}([#], file)", "{}(file, #)", "{}(#, file)", "{}(file)"):
            call = form.format(name).replace("#", f"'{canary}'")
            statement = _judged(reader, f"SELECT {call}", "")
            if not isinstance(statement, str):
                with pytest.raises(ClickHouseError):
                    reader.query(statement.text)


def _passed(reader: Client, asked: Iterable[tuple[str, str]], canary: str) -> list[str]:
    filled = ((fill(form, name, f"'{canary}'"), name) for form, name in asked)
    return [text for text, name in filled if not isinstance(_judged(reader, text, name), str)]


def _judged(reader: Client, text: str, name: str, given: str = "x") -> Statement | str:
    """Give the statement that may be run, or why it may not."""
    try:
        return judge(reader, text, READABLE, {"f": name, "text": given})
    except StatementError as error:
        return str(error)


def _answers(reader: Client, form: str, name: str, canary: str, made: str) -> bool:
    """Whether a form of an allow-listed function passes, and its answer is as it must be."""
    text = fill(form, name, f"'{canary}'", f"'{made}'")
    statement = judge(reader, text, READABLE, {"f": name, "text": canary})
    return _holds(_run(reader, statement.text, dict(statement.parameters)), made)


def _reads(reader: Client, form: str, canary: str) -> bool:
    """Whether the engine reads the file that a form names, with no judge before it."""
    text = fill(form, "file", f"'{canary}'", f"'{CANARY}'")
    given = {"f": "file", "text": canary}
    named = {name: value for name, value in given.items() if f"{{{name}:" in text}
    try:
        return _holds(_run(reader, text, named), CANARY)
    except ClickHouseError:
        return False


def _run(reader: Client, text: str, parameters: dict[str, Any]) -> str:
    fmt = None if " FORMAT " in text.replace("\n", " ") else "TSV"
    return reader.raw_query(text, parameters, fmt=fmt).decode()


def _holds(answer: str, made: str) -> bool:
    return made in answer or "answered" in answer
