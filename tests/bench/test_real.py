"""Real files through the real line: what the warehouse counts is what stands in the files."""

import gzip
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from bench.real import apache_log, json_suite
from tests.conftest import RunningProduct, running_product

REPOSITORY = Path(__file__).parents[2]
DATA = Path(os.environ.get("FUNNELHOUSE_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
FILES = {
    "apache_log": "apache_logs_combined.gz",
    "crawlers": "crawler-user-agents.json.gz",
    "json_suite": "JSONTestSuite.tar.gz",
    "naughty_strings": "blns.json",
    "bucketing": "bucketing_cases.json",
}
TOO_DEEP = "i_structure_500_nested_arrays.json"
KEY_TWICE = ("y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json")
LOADED = {
    "apache_log": 10_000,
    "crawlers": 2_116,
    # `y_`, `i_` that a strict parser reads, but for `TOO_DEEP` and those with a key twice
    "json_suite": 95 + 6 - 1 - 2,
    "naughty_strings": 515,
    "bucketing": 15 + 13 + 13,
}

# Each file is a source of its own; web servers and crawlers are visitors, the others senders.
WRITE_KEYS = (
    "apache_log:apache_log,crawlers:crawlers,json_suite:json_suite:server,"
    "naughty_strings:naughty_strings:server,bucketing:bucketing:server,"
    "unreadable:unreadable:server,unclear:unclear:server"
)
CUT_SHORT = 8_899
MESSAGE = "JSONExtractString(payload, 'messageId')"
LINE = f"toUInt32(splitByChar('-', {MESSAGE})[-1])"
LOG = "events WHERE source = 'apache_log'"
WHOLE_LINES = f"{LOG} AND {LINE} != {CUT_SHORT}"
MAX_EVENT_BYTES = 32_768


@dataclass(frozen=True, slots=True)
class Loaded:
    """A product that has loaded every file, and the calls as they were sent."""

    product: RunningProduct
    calls: dict[str, Path]

    def select(self, columns: str, view: str) -> list[dict[str, Any]]:
        """Select columns from a view, whose name conditions and an order may follow."""
        return self.product.sql(f"SELECT {columns} FROM {view}")

    def received(self) -> dict[str, int]:
        """Return how many events of each source were received and went on, by the ledger."""
        rows = self.select(
            "source, sum(received - in_spool) AS n", "ledger_minutely GROUP BY source"
        )
        return {row["source"]: int(row["n"]) for row in rows}

    def sent(self, kind: str) -> int:
        """Count the calls of a file."""
        return self.calls[kind].read_bytes().count(b"\n")

    def send(self, kind: str) -> None:
        """Send the calls of a file by the command line."""
        command = [sys.executable, "-m", "funnelhouse.cli", "send", str(self.calls[kind])]
        options = ["--url", self.product.url, "--write-key", kind, "--allow-rejected"]
        sent = subprocess.run([*command, *options], capture_output=True, check=False, text=True)
        assert sent.returncode == 0, sent.stderr


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """Map every file to calls, send them once, and wait until all are in the warehouse."""
    if not all((DATA / name).exists() for name in FILES.values()):
        pytest.skip("the real files are not here; name their folder in FUNNELHOUSE_TEST_DATA")
    folder = tmp_path_factory.mktemp("calls")
    calls = {kind: folder / f"{kind}.ndjson" for kind in FILES}
    for kind, path in calls.items():
        adapter = [sys.executable, "-m", "bench.real", kind, str(DATA / FILES[kind])]
        with path.open("wb") as lines:
            subprocess.run(adapter, cwd=REPOSITORY, stdout=lines, check=True)
    # Robots name their owners' addresses in these files, which is to come back as it was sent.
    given = {"redact_patterns": False}
    with running_product(tmp_path_factory.mktemp("real"), WRITE_KEYS, **given) as product:
        everything = Loaded(product, calls)
        for kind in FILES:
            everything.send(kind)
        once = {kind: everything.sent(kind) for kind in FILES}
        product.wait_visible(lambda: everything.received() == once)
        yield everything


class Visit(NamedTuple):
    """A line of the log, read by its quotes alone."""

    time: int
    target: str
    status: int
    referrer: str
    user_agent: str
    address: str


@pytest.fixture(scope="module")
def visits() -> list[Visit]:
    """Read the log with no help of the adapter: no line of it has an escaped quote."""
    with gzip.open(DATA / FILES["apache_log"], "rt") as lines:
        return [_visit(line.rstrip("\n").split('"')) for line in lines]


def _visit(parts: list[str]) -> Visit:
    address, _, _, day, _ = parts[0].split()
    time = datetime.strptime(day + "+0000", "[%d/%b/%Y:%H:%M:%S%z")
    target, status = parts[1].split()[1], int(parts[2].split()[0])
    referrer = parts[3] if parts[3] != "-" else ""
    return Visit(int(time.timestamp()), target, status, referrer, parts[5], address)


@pytest.mark.parametrize("kind", FILES)
def test_every_row_of_a_file_is_one_event(loaded: Loaded, kind: str) -> None:
    """As many events stand in the view as the file has rows, known beforehand."""
    (row,) = loaded.select("count() AS n", f"events WHERE source = '{kind}'")
    assert int(row["n"]) == LOADED[kind]


@pytest.mark.parametrize(
    ("what", "known"),
    [
        ("uniqExact(user_agent)", 558),
        ("countIf(referrer_url = '')", 4_072),
        ("countIf(JSONExtractInt(properties, 'status') = 200)", 9_125),
        ("countIf(JSONExtractInt(properties, 'status') = 304)", 445),
        ("countIf(JSONExtractInt(properties, 'status') = 404)", 213),
        ("countIf(JSONExtractInt(properties, 'status') = 301)", 164),
        ("countIf(is_bot)", 1_955),
        ("countIf(event_name = 'page_viewed' AND planned)", 9_999),
    ],
)
def test_whole_lines_give_the_known_counts(loaded: Loaded, what: str, known: int) -> None:
    """The counts that are known of the log's whole lines are those of the view."""
    (row,) = loaded.select(f"{what} AS n", WHOLE_LINES)
    assert int(row["n"]) == known


def test_the_line_without_its_last_quote_is_a_visit(loaded: Loaded) -> None:
    """The line that was cut short is a visit of its own, by the bot that it still names."""
    (row,) = loaded.select("user_agent, is_bot, page_path", f"{LOG} AND {LINE} = {CUT_SHORT}")
    assert row["user_agent"].endswith("Googlebot/2.1; +http://www.google.com/bot.html")
    assert row["is_bot"]
    assert row["page_path"] == "/scripts/grok-py-test/configlib.py"


def test_every_visit_stands_as_its_line_says(loaded: Loaded, visits: list[Visit]) -> None:
    """Time, target, status, referrer and user agent of each line come back from the view."""
    rows = loaded.select(
        f"{LINE} AS line, toUnixTimestamp(event_time) AS time, referrer_url, user_agent,"
        " substring(page_url, length('http://semicomplete.com') + 1) AS target,"
        " JSONExtractInt(properties, 'status') AS status",
        f"{LOG} ORDER BY line",
    )
    seen = [
        (r["time"], r["target"], int(r["status"]), r["referrer_url"], r["user_agent"]) for r in rows
    ]
    assert seen == [visit[:5] for visit in visits]


def test_a_visitor_is_an_address_with_a_user_agent(loaded: Loaded, visits: list[Visit]) -> None:
    """Lines share a visitor exactly where they share address and user agent; 1,753 addresses."""
    rows = loaded.select(f"{LINE} AS line, anonymous_id", f"{LOG} ORDER BY line")
    pairs = [(visit.address, visit.user_agent) for visit in visits]
    by_pair = dict(zip(pairs, (row["anonymous_id"] for row in rows), strict=True))
    assert [by_pair[pair] for pair in pairs] == [row["anonymous_id"] for row in rows]
    assert len(set(by_pair.values())) == len(set(pairs))
    assert len({address for address, _ in pairs}) == 1_753


def test_no_address_of_a_visitor_is_sent(loaded: Loaded, visits: list[Visit]) -> None:
    """The addresses of the log stand nowhere in the calls."""
    addresses = {visit.address for visit in visits}
    sent = loaded.calls["apache_log"].read_text()
    assert not addresses & set(re.findall(r"\d+\.\d+\.\d+\.\d+", sent))


@pytest.mark.parametrize(("who", "known"), [("true", 3_223), ("NOT is_bot", 2_097)])
def test_visits_fall_into_the_known_sessions(loaded: Loaded, who: str, known: int) -> None:
    """Gaps over 30 minutes cut the whole lines into the known numbers of sessions."""
    before = "lagInFrame(event_time) OVER (PARTITION BY anonymous_id ORDER BY event_time)"
    rows = loaded.select(
        f"event_time > {before} + INTERVAL 30 MINUTE AS opens", f"{WHOLE_LINES} AND {who}"
    )
    assert sum(row["opens"] for row in rows) == known


def test_events_arrive_in_the_order_of_the_file(loaded: Loaded) -> None:
    """In order of arrival 4,915 neighbours are out of time order, as they are in the log."""
    rows = loaded.select(
        f"{LINE} AS line, event_time < lagInFrame(event_time) OVER (ORDER BY arrival) AS back",
        f"{LOG} ORDER BY arrival",
    )
    assert [row["line"] for row in rows] == list(range(1, 10_001))
    assert sum(row["back"] for row in rows) == 4_915


def test_the_bots_of_the_log_are_those_of_the_list(loaded: Loaded, visits: list[Visit]) -> None:
    """A user agent of the log is a bot exactly where a pattern of the crawler list matches it."""
    patterns = [re.compile(crawler["pattern"]) for crawler in _crawlers()]
    expected = {
        agent
        for agent in {visit.user_agent for visit in visits}
        if any(pattern.search(agent) for pattern in patterns)
    }
    rows = loaded.select("DISTINCT user_agent", f"{LOG} AND is_bot")
    assert {row["user_agent"] for row in rows} == expected


def test_every_example_of_a_crawler_is_a_bot(loaded: Loaded) -> None:
    """All example user agents come back as they are, and each is flagged."""
    rows = loaded.select(
        f"{LINE} AS line, user_agent, is_bot", "events WHERE source = 'crawlers' ORDER BY line"
    )
    examples = [example for crawler in _crawlers() for example in crawler["instances"]]
    assert [row["user_agent"] for row in rows] == examples
    assert [row["user_agent"] for row in rows if not row["is_bot"]] == []


def _crawlers() -> list[dict[str, Any]]:
    with gzip.open(DATA / FILES["crawlers"], "rt", encoding="utf-8") as document:
        crawlers: list[dict[str, Any]] = json.load(document)
    return crawlers


@pytest.mark.parametrize("kind", FILES)
def test_properties_come_back_byte_for_byte(loaded: Loaded, kind: str) -> None:
    """The view's properties are the very bytes of the sent line, whatever they hold."""
    sent = {}
    for line in loaded.calls[kind].read_bytes().split(b"\n")[:-1]:
        before, _, properties = line.partition(b'"properties":')
        sent[before.split(b'"messageId":"')[1].split(b'"')[0].decode()] = properties[:-1]
    for name in (TOO_DEEP, *KEY_TWICE):
        sent.pop(name, None)
    rows = loaded.select(
        f"{MESSAGE} AS message, hex(properties) AS text", f"events WHERE source = '{kind}'"
    )
    assert {row["message"]: bytes.fromhex(row["text"]) for row in rows} == sent


def test_naughty_strings_come_back_as_they_are(loaded: Loaded) -> None:
    """Each string that SQL takes from the view has the bytes of the one in the file."""
    rows = loaded.select(
        f"{LINE} AS line, hex(JSONExtractString(properties, 'text')) AS text",
        "events WHERE source = 'naughty_strings' ORDER BY line",
    )
    strings = json.loads((DATA / FILES["naughty_strings"]).read_text("utf-8"))
    assert [bytes.fromhex(row["text"]) for row in rows] == [text.encode() for text in strings]


def test_bucketing_cases_come_back_with_unit_and_answer(loaded: Loaded) -> None:
    """Each case is an exposure of its unit, its answer the variation."""
    rows = loaded.select(
        "anonymous_id, properties",
        "events WHERE source = 'bucketing' AND event_name = 'experiment_viewed' ORDER BY arrival",
    )
    cases = json.loads((DATA / FILES["bucketing"]).read_text("utf-8"))
    units = [case[1] for case in cases["hash"]]
    units += [case[0] for case in [*cases["getBucketRange"], *cases["chooseVariation"]]]
    assert [row["anonymous_id"] for row in rows] == units
    sent = [json.loads(row["properties"]) for row in rows]
    assert [
        [one["case"] for one in sent if one["experiment_id"] == function]
        for function in ("hash", "getBucketRange", "chooseVariation")
    ] == [cases["hash"], cases["getBucketRange"], cases["chooseVariation"]]
    assert [json.loads(one["variation_id"]) for one in sent] == [one["case"][-1] for one in sent]


def test_a_text_that_nests_too_deep_is_rejected_alone(loaded: Loaded) -> None:
    """Of the texts that parse, 500 nested arrays and keys that stand twice are rejected."""
    rows = loaded.select(
        f"DISTINCT {MESSAGE} AS message, reason", "rejected_events WHERE source = 'json_suite'"
    )
    assert {(row["message"], row["reason"]) for row in rows} == {
        (TOO_DEEP, "too_deep"),
        *((name, "duplicate_key") for name in KEY_TWICE),
    }


def test_texts_that_must_not_parse_answer_400_and_are_kept(loaded: Loaded) -> None:
    """Each `n_` text as a body is refused as no JSON, and kept where it is text at all."""
    bodies = [text for name, text in _suite().items() if name.startswith("n_")]
    for body in bodies:
        answer = loaded.product.post("/v1/track?writeKey=unreadable", body)
        assert answer.status_code == 400, body[:80]
        assert answer.json()["error"]["reason"] == "unreadable_body", body[:80]
    assert len(bodies) == 188
    rows = _rejected(loaded, "unreadable", len(bodies))
    assert {row["reason"] for row in rows} == {"unreadable_body"}
    assert _texts(bodies) <= {bytes.fromhex(row["payload"]).strip() for row in rows}


def test_texts_left_to_the_parser_end_as_rejected_events(loaded: Loaded) -> None:
    """Each `i_` text that no call carries, spliced into one, is refused and kept, never a 5xx."""
    bodies = [
        b'{"event":"Feature Used","anonymousId":"a","properties":{"text":%b}}' % text
        for name, text in _suite().items()
        if name.startswith("i_") and not json_suite.parses(text)
    ]
    for body in bodies:
        answer = loaded.product.post("/v1/track?writeKey=unclear", body)
        assert answer.status_code == 400 or "unreadable_event" in answer.text, body
    rows = _rejected(loaded, "unclear", len(bodies))
    assert _texts(bodies) <= {bytes.fromhex(row["payload"]).strip() for row in rows}


def _texts(bodies: list[bytes]) -> set[bytes]:
    """Give the bodies that are plain UTF-8, cut to the size of an event."""
    return {body[:MAX_EVENT_BYTES].strip() for body in bodies if _is_text(body)}


def _is_text(body: bytes) -> bool:
    try:
        return not {"\x00", "\ufeff"} & set(body.decode())
    except UnicodeDecodeError:
        return False


def _suite() -> dict[str, bytes]:
    with tarfile.open(DATA / FILES["json_suite"]) as suite:
        members = [m for m in suite if "/test_parsing/" in m.name and m.isfile()]
        return {m.name.rpartition("/")[2]: suite.extractfile(m).read() for m in members}  # type: ignore[union-attr]


def _rejected(loaded: Loaded, source: str, at_least: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []

    def visible() -> bool:
        rows[:] = loaded.select(
            "hex(payload) AS payload, reason", f"rejected_events WHERE source = '{source}'"
        )
        return len(rows) >= at_least

    loaded.product.wait_visible(visible)
    return rows


def test_sending_every_file_again_changes_nothing(loaded: Loaded) -> None:
    """Every event stays as it was first received, and the ledger knows each copy as one."""
    everything = "source, count() AS n, groupBitXor(cityHash64(toString(tuple(*)))) AS content"
    by_source = "events GROUP BY source ORDER BY source"
    before, received = loaded.select(everything, by_source), loaded.received()
    for kind in FILES:
        loaded.send(kind)
    twice = received | {kind: received[kind] + loaded.sent(kind) for kind in FILES}
    loaded.product.wait_visible(lambda: loaded.received() == twice)
    assert loaded.select(everything, by_source) == before
    copies = loaded.select(
        "source, sum(duplicate) AS n, sum(unaccounted) AS lost", "ledger_minutely GROUP BY source"
    )
    assert {r["source"]: int(r["n"]) for r in copies if int(r["n"])} == LOADED
    assert {int(r["lost"]) for r in copies} == {0}


def _log(folder: Path, *lines: str) -> Path:
    file = folder / "access.log.gz"
    file.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
    return file


def test_a_line_of_the_log_is_a_page_call(tmp_path: Path) -> None:
    """A line gives a page call in UTC offset time, without what the log marks as absent."""
    line = (
        '192.0.2.7 - - [17/May/2015:10:05:03 +0900] "HEAD /a?b=c HTTP/1.1" 304 - "-" "x \\"y\\" z"'
    )
    (call,) = apache_log.calls(_log(tmp_path, line))
    assert call.pop("anonymousId") != ""
    assert call == {
        "type": "page",
        "messageId": "apache_log-1",
        "timestamp": "2015-05-17T10:05:03+09:00",
        "context": {
            "userAgent": 'x \\"y\\" z',
            "page": {"url": "http://semicomplete.com/a?b=c"},
        },
        "properties": {"method": "HEAD", "status": 304},
    }


def test_a_line_of_another_format_is_named(tmp_path: Path) -> None:
    """What is no line of a combined log stops the adapter, which says where."""
    whole = '192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "x"'
    with pytest.raises(ValueError, match="line 2"):
        list(apache_log.calls(_log(tmp_path, whole, "192.0.2.7 - -")))


def test_json_texts_are_spliced_in_as_they_are(tmp_path: Path) -> None:
    """A text keeps its bytes within the call, but for line breaks, which would end the call."""
    suite = tmp_path / "suite.tar.gz"
    with tarfile.open(suite, "w:gz") as archive:
        for name, text in {"y_1": b'[1E22,\n -0.0,"\\u0061"]', "n_1": b"[1,]"}.items():
            path = tmp_path / name
            path.write_bytes(text)
            archive.add(path, f"./test_parsing/{name}")
    (call,) = json_suite.calls(suite)
    assert b'"text":[1E22,  -0.0,"\\u0061"]}' in orjson.dumps(call)


def test_the_log_makes_the_sessions_that_are_in_it(loaded: Loaded) -> None:
    """Gaps over half an hour cut 3,223 sessions of an address and agent, 2,097 but for bots."""
    cut_short = f"SELECT anonymous_id FROM {LOG} AND {LINE} = {CUT_SHORT}"
    people = f"SELECT anonymous_id FROM {LOG}"
    (counts,) = loaded.select(
        "count() AS sessions, countIf(NOT is_bot) AS without_bots",
        f"sessions WHERE person_id IN ({people}) AND person_id NOT IN ({cut_short})",
    )
    assert {name: int(count) for name, count in counts.items()} == {
        "sessions": 3_223,
        "without_bots": 2_097,
    }
