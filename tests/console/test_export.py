"""Views by URL, asked of the application itself over this process' warehouse."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from threading import Thread
from typing import Any

import httpx
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uvicorn

from funnelhouse.console.access.read_access import ReadAccess
from funnelhouse.console.control import Control, control
from funnelhouse.console.export import FORMATS, Export
from funnelhouse.console.readers.pool import Budget
from funnelhouse.console.readers.statement_runner import Readers
from funnelhouse.processes.jobs import JOBS
from funnelhouse.processes.supervisor import listen
from tests.conftest import READ_KEY, PreparedWarehouse, RunningProduct
from tests.sql.history import COURSE, Road, Told, bring, spend_rows

KEY = "read me"
STRANGE = (
    "it's",
    'a"b',
    "x\\y",
    "tab\there",
    "line\nhere",
    "면접 100%",
    "{v0:String}",
    "' OR 1 --",
)
PAIRS = "pairs_of"


@contextmanager
def served(
    warehouse: PreparedWarehouse, export: Export | None, *, ready: bool = True
) -> Iterator[httpx.Client]:
    """Serve the application with these exports from this process, and give a client of it."""
    strangers = Readers(warehouse.place, Budget(2, 60, 2 * 1024**3))
    state = Control(lambda: ready, warehouse.place, JOBS, export, strangers=strangers)
    with listen("127.0.0.1:0") as listener:
        server = uvicorn.Server(uvicorn.Config(control(state), log_config=None))
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        host, port = listener.getsockname()
        with httpx.Client(base_url=f"http://{host}:{port}", timeout=60) as client:
            yield client
        server.should_exit = True
        thread.join()
        strangers.stop()


@pytest.fixture(scope="module")
def filled(
    warehouse: PreparedWarehouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PreparedWarehouse]:
    """Give a warehouse with a few events of users with strange names, and a view of parameters."""
    warehouse.empty()
    bring(warehouse.client, COURSE)
    history = [
        Told(id=number, came=number, name="applied", user=user)
        for number, user in enumerate(STRANGE, start=1)
    ]
    Road(warehouse.place, tmp_path_factory.mktemp("road")).load([history])
    monday, sunday = date(2024, 8, 5), date(2024, 8, 11)
    spend = [("camp", track, "meta", monday, sunday, 7) for track in ("kotlin", "node", "ios")]
    JOBS["spend"](warehouse.client, spend_rows(spend))
    warehouse.client.command(
        f"CREATE OR REPLACE VIEW {PAIRS} AS SELECT {{day:Date}} AS day, {{word:String}} AS word,"
        " arrayJoin(range(2000)) AS number"
    )
    yield warehouse
    warehouse.client.command(f"DROP VIEW {PAIRS}")


@pytest.fixture(scope="module")
def http(filled: PreparedWarehouse) -> Iterator[httpx.Client]:
    """Give a client of the application for readers."""
    with served(filled, Export(ReadAccess({"another", KEY}, open=False), 1_000)) as client:
        yield client


def rows(http: httpx.Client, view: str, **asked: Any) -> list[dict[str, Any]]:
    """The rows of a view by JSON."""
    answer = http.get(f"/export/{view}.json", params={"key": KEY, **asked})
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def test_csv(http: httpx.Client) -> None:
    """CSV has a line of names and the rows in order of the columns."""
    answer = http.get("/export/spend_weekly.csv", params={"key": KEY})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    read = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["track"] for row in read] == ["ios", "kotlin", "node"]
    assert read[0]["product"] == "camp"


def test_all_formats_say_the_same(http: httpx.Client) -> None:
    """JSON is one array of objects; Parquet and Arrow read as the same rows."""
    contents = {
        ending: http.get(f"/export/stages.{ending}", params={"key": KEY}).content
        for ending in FORMATS
    }
    read = {
        "csv": [row["stage"] for row in csv.DictReader(io.StringIO(contents["csv"].decode()))],
        "json": [row["stage"] for row in orjson.loads(contents["json"])],
        "parquet": pq.read_table(io.BytesIO(contents["parquet"]))["stage"].to_pylist(),
        "arrow": pa.ipc.open_file(contents["arrow"]).read_all()["stage"].to_pylist(),
    }
    assert all(stages == ["applied", "passed", "withdrawn", "joined"] for stages in read.values())


def test_nothing_found(http: httpx.Client) -> None:
    """Without rows JSON is an empty array, and CSV has its line of names."""
    assert rows(http, "spend_weekly", track="none") == []
    answer = http.get("/export/spend_weekly.csv", params={"key": KEY, "track": "none"})
    assert len(answer.text.splitlines()) == 1


@pytest.mark.parametrize(
    ("asked", "tracks"),
    [
        ({"track": "node"}, ["node"]),
        ({"track": ["node", "ios"]}, ["ios", "node"]),
        ({"track": "node", "product": "other"}, []),
        ({"week": "2024-08-05", "track": ["node", "kotlin"]}, ["kotlin", "node"]),
        ({"week": "2024-08-12"}, []),
        ({"ad_spend": "7"}, ["ios", "kotlin", "node"]),
    ],
)
def test_filters(http: httpx.Client, asked: dict[str, Any], tracks: list[str]) -> None:
    """Rows have all the values asked for; of several of one column any."""
    assert [row["track"] for row in rows(http, "spend_weekly", **asked)] == tracks


@pytest.mark.parametrize("user", STRANGE)
def test_values_are_never_sql(http: httpx.Client, user: str) -> None:
    """Whatever a value holds, it is compared as it is."""
    assert [row["user_id"] for row in rows(http, "events", user_id=user)] == [user]
    (row,) = rows(http, PAIRS, day="2024-08-05", word=user, number="7")
    assert row["word"] == user


def test_parameters(http: httpx.Client) -> None:
    """A view's parameters are given as filters are, and filters stand beside them."""
    asked = {"day": "2024-08-05", "word": "a", "number": "2"}
    assert rows(http, PAIRS, **asked) == [{"day": "2024-08-05", "word": "a", "number": 2}]


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("events_raw.csv", 404, "There is no view events_raw; there are .*events, "),
        ("plan_states.csv", 404, "There is no view plan_states"),
        ("numbers(1).csv", 404, "There is no view"),
        ("events`.csv", 404, "There is no view"),
        ("system.tables.csv", 404, "There is no view system.tables"),
        ("events.xlsx", 404, "Write one of these endings: csv, json, parquet, arrow"),
        ("events.csv?nope=1", 400, "The view events has no column nope; it has source, event_id, "),
        ("events.csv?1%3D1%20OR%20x=1", 400, "has no column 1=1 OR x"),
        (f"{PAIRS}.csv?day=2024-01-01", 400, f"The view {PAIRS} needs values of word"),
        (f"{PAIRS}.csv?day=x&word=a", 400, "Date"),
        ("spend_weekly.csv?week=x", 400, "Date"),
    ],
)
def test_refused(http: httpx.Client, path: str, status: int, told: str) -> None:
    """Only views and their columns can be named; what cannot be is refused with what can."""
    path += ("&" if "?" in path else "?") + "key=read%20me"
    answer = http.get(f"/export/{path}")
    assert answer.status_code == status
    with pytest.raises(AssertionError, match=told):
        raise AssertionError(answer.text)


@pytest.mark.parametrize(
    "key", [None, "", "read", "read me ", "Read me", "읽기", "another,read me"]
)
@pytest.mark.parametrize("path", ["events.csv", "nope.csv", "events.nope"])
def test_key(http: httpx.Client, key: str | None, path: str) -> None:
    """Without a read key nothing is told, not even which views there are."""
    answer = http.get(f"/export/{path}", params={} if key is None else {"key": key})
    assert answer.status_code == 401
    assert "No such read key" in answer.text
    assert "event_id" not in answer.text


def test_each_key_fits(http: httpx.Client) -> None:
    """Every one of the keys may read."""
    answer = http.get("/export/stages.csv", params={"key": "another"})
    assert answer.status_code == 200


def test_no_keys_no_route(filled: PreparedWarehouse) -> None:
    """Without read keys there is no such route."""
    with served(filled, None) as client:
        assert client.get("/export/stages.csv", params={"key": KEY}).json() == {
            "detail": "Not Found"
        }


def test_not_prepared(filled: PreparedWarehouse) -> None:
    """Before tables and views stand, readers are told to ask again."""
    with served(filled, Export(ReadAccess({KEY}, open=False), 1_000), ready=False) as client:
        assert client.get("/export/stages.csv", params={"key": KEY}).status_code == 503


def test_too_much(http: httpx.Client) -> None:
    """An export over its rows is refused with how to ask for less, and less is given."""
    asked = {"key": KEY, "day": "2024-08-05", "word": "a"}
    whole = http.get(f"/export/{PAIRS}.csv", params=asked)
    assert whole.status_code == 413
    assert "add &column=value" in whole.text
    assert http.get(f"/export/{PAIRS}.csv", params=asked | {"number": "1"}).status_code == 200


def test_nothing_is_written(filled: PreparedWarehouse, http: httpx.Client) -> None:
    """A view that would change something or read a file cannot, whatever it is."""
    filled.client.command(
        "CREATE OR REPLACE VIEW leaking AS SELECT * FROM file('secret', 'CSV', 'a String')"
    )
    answer = http.get("/export/leaking.csv", params={"key": KEY})
    filled.client.command("DROP VIEW leaking")
    assert answer.status_code == 400


def test_through_the_running_product(product: RunningProduct) -> None:
    """The warehouse process hands out views under the keys of its settings, and no others."""
    view = f"{product.console_url}/export/stages.csv"
    answer = httpx.get(view, params={"key": READ_KEY, "funnel": "bootcamp_short"}, timeout=60)
    assert answer.status_code == 200
    assert "bootcamp_short" in answer.text.splitlines()[1]
    assert httpx.get(view, params={"key": "dev"}, timeout=60).status_code == 401


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_every_view_has_a_file(filled: PreparedWarehouse, http: httpx.Client, every: int) -> None:
    """Each view that needs no parameters is handed out, in the format that takes fewest types."""
    names = filled.client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
        " AND empty(parameterized_view_parameters)"
    ).result_rows
    statuses = {
        name: http.get(f"/export/{name}.arrow", params={"key": KEY}).status_code
        for (name,) in names[::every]
    }
    assert len(statuses) > 10
    assert {name: status for name, status in statuses.items() if status != 200} == {}
