"""The SQL endpoint as tools meet it: clickhouse-connect, shapes of others, and its limits."""

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Event
from time import monotonic
from typing import Any
from uuid import uuid4

import clickhouse_connect
import httpx
import psutil
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.conftest import READ_KEY, RunningProduct, free_port, running_product
from tests.console.driver import JDBC_STATEMENTS, read_frames, write_frame

AUTH = ("anybody", READ_KEY)


@pytest.fixture(scope="module")
def url(product: RunningProduct) -> str:
    """Give the endpoint's address."""
    return f"http://{product.settings.sql}"


@pytest.fixture(scope="module")
def client(product: RunningProduct) -> Iterator[Client]:
    """Connect as an analyst's notebook does."""
    host, _, port = product.settings.sql.partition(":")
    connected = clickhouse_connect.get_client(
        host=host, port=int(port), username="analyst", password=READ_KEY, database="funnelhouse"
    )
    yield connected
    connected.close()


def test_clickhouse_connect_reads(client: Client) -> None:
    """The ordinary HTTP client connects, and gets rows, Arrow, parameters and formats."""
    rows = client.query("SELECT number, toString(number) AS text FROM numbers(3)").result_rows
    assert rows == [(0, "0"), (1, "1"), (2, "2")]
    table = client.query_arrow("SELECT count() AS events FROM events")
    assert table.schema.names == ["events"]
    found = client.query("SELECT {n:UInt32} + 1, {t:String}", parameters={"n": 4, "t": "a'b\\c"})
    assert found.result_rows == [(5, "a'b\\c")]
    given = {"names": ["a'b\\c", "d"], "day": date(2024, 1, 2), "n": None}
    found = client.query(
        "SELECT {names:Array(String)}, {day:Date}, {n:Nullable(String)}",
        parameters=given,
    )
    assert found.result_rows == [(["a'b\\c", "d"], date(2024, 1, 2), None)]
    assert client.raw_query("SELECT 1 AS one", fmt="JSONEachRow") == b'{"one":1}\n'
    assert client.command("SELECT currentDatabase()") == "funnelhouse"
    assert "events" in [row[0] for row in client.query("SHOW TABLES").result_rows]
    nulls = client.query("SELECT NULL, [1, 2], map('a', 1), toDateTime64('2024-01-01', 3, 'UTC')")
    assert nulls.result_rows[0][1] == [1, 2]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO runs_raw (run) VALUES ('x')",
        "SELECT * FROM file('/etc/passwd')",
        "KILL QUERY WHERE 1",
        "SELECT 1 SETTINGS max_threads = 8",
        "DROP TABLE events_raw",
    ],
)
def test_nothing_but_reading(client: Client, statement: str) -> None:
    """The client is refused as by a server, with a code."""
    with pytest.raises(DatabaseError, match="Code: "):
        client.command(statement)


@pytest.mark.parametrize(
    "request_",
    [
        # curl
        {"method": "GET", "params": {"query": "SELECT 1 AS a FORMAT JSON"}},
        {"method": "POST", "content": b"SELECT 1 AS a FORMAT JSON"},
        {"method": "POST", "content": b"1 AS a FORMAT JSON", "params": {"query": "SELECT "}},
        # the JDBC driver without compression: the format as a header, settings that it sends
        {
            "method": "POST",
            "content": b"SELECT 1 AS a",
            "headers": {"X-ClickHouse-Format": "JSON"},
            "params": {
                "query_id": "5e1f",
                "session_id": "s",
                "wait_end_of_query": "0",
                "custom_http_params": "",
                "database": "funnelhouse",
            },
        },
        # Grafana's source: the query in the body with its interval written in, gzip accepted
        {
            "method": "POST",
            "content": b"SELECT 1 AS a /* $__interval */ FORMAT JSON",
            "params": {
                "add_http_cors_header": "1",
                "default_format": "JSON",
                "max_result_rows": "1",
            },
            "headers": {"accept-encoding": "gzip", "content-type": "text/plain"},
        },
        {
            "method": "POST",
            "content": gzip.compress(b"SELECT 1 AS a FORMAT JSON"),
            "headers": {"content-encoding": "gzip"},
        },
        {
            "method": "POST",
            "content": b"SELECT {x:UInt8} AS a",
            "params": {"param_x": "1", "param_unused": "%", "default_format": "JSON"},
        },
    ],
    ids=["get", "post", "both", "jdbc", "grafana", "gzip", "parameters"],
)
def test_request_shapes_of_tools(url: str, request_: dict[str, Any]) -> None:
    """Each of the ways in which tools send a query is understood."""
    answer = httpx.request(url=f"{url}/", auth=AUTH, **request_)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"] == [{"a": 1}]
    assert answer.headers["x-clickhouse-format"] == "JSON"


JDBC: dict[str, Any] = {
    "auth": AUTH,
    "params": {"compress": "1", "session_timezone": "UTC", "custom_http_params": ""},
    "headers": {
        "X-ClickHouse-Format": "RowBinaryWithNamesAndTypes",
        "X-ClickHouse-Database": "default",
        "Content-Type": "text/plain",
    },
}
"""What the JDBC driver sends by default, from 0.4 to today's: it wants compressed frames."""


@pytest.mark.parametrize(("statement", "columns"), JDBC_STATEMENTS)
def test_the_jdbc_driver_is_answered_in_frames(url: str, statement: str, columns: int) -> None:
    """What it asks to connect and to draw its tree comes as rows that it can decompress."""
    answer = httpx.post(f"{url}/", content=statement.encode(), **JDBC)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-clickhouse-format"] == "RowBinaryWithNamesAndTypes"
    rows = b"".join(read_frames(answer.content))
    assert rows[0] == columns
    assert len(rows) > 20 * columns


def test_frames_hold_the_answer_as_it_would_be(url: str) -> None:
    """Compressed or not, an answer of several frames is the same, and an empty one is empty."""
    statement = b"SELECT number, toString(number) FROM numbers(300000)"
    plain = httpx.post(f"{url}/", content=statement, auth=AUTH)
    sent = httpx.post(f"{url}/", content=statement, auth=AUTH, params={"compress": "1"})
    assert b"".join(read_frames(sent.content)) == plain.content
    assert len(sent.content) < len(plain.content)
    nothing = {"compress": "1", "query": "SELECT 1 WHERE 0"}
    assert httpx.get(f"{url}/", params=nothing, auth=AUTH).content == b""


def test_an_error_is_told_outside_of_frames(url: str) -> None:
    """Drivers read the sentence as it stands where there is no answer."""
    answer = httpx.post(f"{url}/", content=b"SELEC 1", **JDBC)
    assert answer.headers["x-clickhouse-exception-code"] == "62"
    assert answer.text.startswith("Code: 62. DB::Exception: ")


def test_a_statement_sent_in_frames(url: str) -> None:
    """With decompress=1 the body is frames, below the compression of HTTP if there is any."""
    parameters, statement = {"decompress": "1"}, write_frame(b"SELECT 1 AS ") + write_frame(b"one")
    answer = httpx.post(f"{url}/", content=statement, params=parameters, auth=AUTH)
    assert answer.text == "1\n"
    headers = {"content-encoding": "gzip"}
    body = gzip.compress(statement)
    answer = httpx.post(f"{url}/", content=body, params=parameters, headers=headers, auth=AUTH)
    assert answer.text == "1\n"


LONG = b"SELECT '" + b"a" * 262_144 + b"'"


@pytest.mark.parametrize(
    ("request_", "code", "told"),
    [
        ({"content": b"SELECT 1", "params": {"decompress": "1"}}, "271", "ends too early"),
        ({"content": write_frame(LONG), "params": {"decompress": "1"}}, "271", "262144 bytes"),
        ({"content": b"SELECT 1", "headers": {"content-encoding": "gzip"}}, "271", "damaged"),
        (
            {"content": gzip.compress(LONG), "headers": {"content-encoding": "gzip"}},
            *("62", "longer than 262144"),
        ),
        ({"content": LONG}, "62", "longer than 262144"),
    ],
    ids=["no frame", "long in frames", "no gzip", "long in gzip", "long"],
)
def test_bodies_that_are_refused(url: str, request_: dict[str, Any], code: str, told: str) -> None:
    """A damaged body and a statement too long are named, however they are compressed."""
    answer = httpx.post(f"{url}/", auth=AUTH, **request_)
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (400, code)
    assert told in answer.text


@pytest.mark.parametrize(
    "request_",
    [
        {"auth": ("default", READ_KEY)},
        {"auth": (READ_KEY, "")},
        {"headers": {"X-ClickHouse-User": "default", "X-ClickHouse-Key": READ_KEY}},
        {"params": {"user": "default", "password": READ_KEY}},
        {"headers": {"Authorization": f"Bearer {READ_KEY}"}},
    ],
)
def test_the_key_in_every_way(url: str, request_: dict[str, Any]) -> None:
    """Tools send a password as Basic, as headers, or in the query."""
    parameters = {"query": "SELECT 1"} | request_.pop("params", {})
    assert httpx.get(f"{url}/", params=parameters, **request_).text == "1\n"


def test_without_a_key(url: str) -> None:
    """No key and a wrong one are refused alike; the ping needs none and tells nothing."""
    for auth in (None, ("default", "wrong"), ("default", "")):
        answer = httpx.get(f"{url}/", params={"query": "SELECT 1"}, auth=auth)
        assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (401, "516")
    assert httpx.get(f"{url}/ping").text == "Ok.\n"
    assert httpx.get(f"{url}/").text == "Ok.\n"


@pytest.mark.parametrize(
    ("statement", "status", "code"),
    [
        ("SELEC 1", 400, "62"),
        ("SELECT * FROM nowhere", 400, "60"),
        ("DROP TABLE events_raw", 403, "497"),
        ("", 400, "62"),
        ("SELECT 1 FORMAT Template", 403, "497"),
    ],
)
def test_errors_bear_the_code_of_the_engine(
    url: str, statement: str, status: int, code: str
) -> None:
    """Tools show the sentence and act on the code."""
    answer = httpx.post(f"{url}/", content=statement.encode(), auth=AUTH)
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (status, code)
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")


def test_fifty_readers_during_a_load(product: RunningProduct, url: str) -> None:
    """All answers come and are right, and the load lands beside them."""
    person = f"loaded-{uuid4()}"
    calls = [
        {
            "type": "track",
            "event": "CTA Clicked",
            "anonymousId": person,
            "messageId": str(uuid4()),
            "properties": {"cta_id": "apply"},
        }
        for _ in range(1000)
    ]

    def read(number: int) -> str:
        statement = f"SELECT sum(number) + {number} FROM numbers(1000)"
        answer = httpx.post(f"{url}/", content=statement.encode(), auth=AUTH, timeout=120)
        return answer.text

    with ThreadPoolExecutor(50) as pool:
        found = pool.map(read, range(200))
        product.post("/v1/batch", {"batch": calls}, auth=("dev", "")).raise_for_status()
        assert list(found) == [f"{499500 + number}\n" for number in range(200)]
    landed = f"SELECT count() AS n FROM events WHERE anonymous_id = '{person}'"
    product.wait_visible(lambda: int(product.sql(landed)[0]["n"]) == 1000)


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProduct]:
    """Start a product whose endpoint allows little."""
    folder = tmp_path_factory.mktemp("bounded")
    limits = {"sql_max_seconds": 1, "sql_max_memory_bytes": 50_000_000, "sql_max_rows": 100}
    limits |= {"sql_at_once": 2}
    with running_product(folder, "dev:web", **limits) as running:
        yield running


@pytest.mark.parametrize(
    ("statement", "codes"),
    [
        ("SELECT count() FROM numbers(100000000000) WHERE NOT ignore(sipHash64(number))", {"159"}),
        ("SELECT groupArray(toString(number)) FROM numbers(10000000)", {"241"}),
        ("SELECT number FROM numbers(101)", {"396"}),
        ("SELECT repeat(repeat('a', 1000000), 1000)", {"131", "241"}),
    ],
)
def test_limits_of_one_query(bounded: RunningProduct, statement: str, codes: set[str]) -> None:
    """Time, memory and rows each end a query with the engine's code."""
    url = f"http://{bounded.settings.sql}/"
    assert httpx.post(url, content=b"SELECT 1", timeout=120).text == "1\n"
    begun = monotonic()
    answer = httpx.post(url, content=statement.encode(), timeout=60)
    assert answer.headers["x-clickhouse-exception-code"] in codes
    assert monotonic() - begun < 20
    assert httpx.post(url, content=b"SELECT 1", timeout=120).text == "1\n"


def test_heavy_queries_leave_others_their_share(bounded: RunningProduct) -> None:
    """However many one address asks, three processes run; another's is answered, an event lands."""
    url, landed = f"http://{bounded.settings.sql}/", Event()
    heavy = b"SELECT count() FROM numbers(100000000000) WHERE NOT ignore(sipHash64(number))"
    most: list[int] = []

    def ask() -> None:
        while not landed.is_set():
            httpx.post(url, content=heavy, timeout=60)

    def is_there() -> bool:
        most.append(len(readers_of(bounded)))
        return bounded.sql("SELECT 1 FROM rejected_events") != []

    with ThreadPoolExecutor(6) as pool:
        asking = [pool.submit(ask) for _ in range(6)]
        try:
            bounded.post("/v1/track", {"event": "nope", "anonymousId": "h"}, auth=("dev", ""))
            bounded.wait_visible(is_there)
            with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as other:
                bounded.wait_visible(
                    lambda: other.post(url, content=b"SELECT 1", timeout=60).text == "1\n"
                )
        finally:
            landed.set()
        assert [one.result() for one in asking] == [None] * 6
    assert max(most) <= 3


def readers_of(product: RunningProduct) -> list[int]:
    """Give the processes of a product that run strangers' statements."""
    below = psutil.Process(product.process.pid).children(recursive=True)
    found = (one.as_dict(["pid", "cmdline"], ad_value=[]) for one in below if one.is_running())
    return [one["pid"] for one in found if "funnelhouse.console.readers.process" in one["cmdline"]]


def test_arrow_of_a_view_is_whole(client: Client) -> None:
    """A view of the product comes as Arrow with its column names."""
    table: pa.Table = client.query_arrow("SELECT * FROM ledger_minutely")
    assert {"received", "loaded", "unaccounted"} <= set(table.schema.names)


def test_an_address_in_use_stops_nothing_else(tmp_path: Any, product: RunningProduct) -> None:
    """Loading goes on where the endpoint's address is another's."""
    with running_product(tmp_path / "second", "dev:web", sql=product.settings.sql) as second:
        assert second.sql("SELECT 1 AS one") == [{"one": 1}]
    assert free_port()
