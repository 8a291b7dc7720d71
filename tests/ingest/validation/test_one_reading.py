"""One reading of JSON: what the schema and the hashes saw is what the engine reads."""

import json
from collections import Counter
from random import Random
from typing import Any, NamedTuple

import pytest

from funnelhouse.ingest.collector.protocols.segment import decode
from funnelhouse.ingest.log.receipt import ReceiptClock
from funnelhouse.ingest.log.row import Row
from funnelhouse.ingest.validation.event import Envelope, Origin
from funnelhouse.ingest.validation.limits import Limits
from funnelhouse.ingest.validation.pending_event import Rules
from funnelhouse.ingest.validation.pipeline import Pipeline
from funnelhouse.schemas.registry import load_plan
from funnelhouse.settings import SHIPPED_PLAN
from funnelhouse.transforms.columns import read_call
from funnelhouse.transforms.privacy import hash_personal
from tests.conftest import PreparedWarehouse

SECRET = b"a secret of the tests"
WEB = Origin("web", server=False)
PIPELINE = Pipeline(Rules(load_plan(SHIPPED_PLAN), Limits(), SECRET), ReceiptClock())
NUMBERS = (
    *("0", "-0", "-0.0", "1", "1.0", "1e3", "1E+2", "10e-1", "0.1", "0.30000000000000004"),
    *("12345678901234567.5", "9007199254740993", "9223372036854775807", "9223372036854775808"),
    *("18446744073709551615", "18446744073709551616", "-9223372036854775808", "1e22", "1e308"),
    *("-9223372036854775809", "123456789012345678901234567890", "1e-400", "1e400", "-1e400"),
)
TEXTS = ['"a"', '""', r'"\"a\":1"', r'"\u003a\u003A"', '":::"', r'"\\"', '"한글 😀"', r'"\u0000"']
NAMES = ["a", "b", "A", "cta_id", "amount", "", "a:b", 'a"', "한글", "é", "e\u0301"]


class Document(NamedTuple):
    """A call as text, and whether a key stands twice in one of its objects."""

    text: str
    twice: bool


class Writer:
    """Writes calls at random, with every liberty that JSON grants, and keys that stand twice."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._twice = False

    def call(self) -> Document:
        """Write a payment or an identify call."""
        self._twice = False
        if self._random.random() < 0.5:
            others = {name: self._scalar() for name in self._random.sample(NAMES, 3)}
            properties = self._object(others | self._payment())
            fields = {"event": '"payment_completed"', "userId": '"u"', "properties": properties}
        else:
            traits = self._object({"email": '"Kim@example.com"', "n": self._scalar()})
            fields = {"type": '"identify"', "userId": '"u"', "traits": traits}
        fields = {"type": '"track"', "anonymousId": '"a"', "messageId": '"m"'} | fields
        return Document(self._object(fields), self._twice)

    def _payment(self) -> dict[str, str]:
        fields = {"product": '"nbcamp"', "track": '"k"', "order_id": '"o"', "currency": '"KRW"'}
        amount = self._random.choice(["1000", "1000.0", "1e3", *NUMBERS])
        return fields | {"method": '"credit_card"', "amount": amount}

    def _scalar(self) -> str:
        kind = self._random.choice((NUMBERS, TEXTS, ["true", "null", "[]", '[{"a":1},{"a":1}]']))
        return self._random.choice(kind)

    def _object(self, fields: dict[str, str]) -> str:
        pairs = list(fields.items())
        if self._random.random() < 0.1:
            name, value = self._random.choice(pairs)
            pairs.insert(self._random.randrange(len(pairs) + 1), (name, self._other(value)))
            self._twice = True
        blank = self._blank
        written = [f"{self._name(name)}{blank()}:{blank()}{value}" for name, value in pairs]
        return "{" + f"{self._blank()},".join(written) + "}"

    def _other(self, value: str) -> str:
        return value if self._random.random() < 0.3 else self._scalar()

    def _name(self, name: str) -> str:
        if name and self._random.random() < 0.2:
            place = self._random.randrange(len(name))
            before, after = self._inner(name[:place]), self._inner(name[place + 1 :])
            return f'"{before}\\u{ord(name[place]):04x}{after}"'
        return json.dumps(name, ensure_ascii=self._random.random() < 0.5)

    def _inner(self, name: str) -> str:
        return json.dumps(name, ensure_ascii=False)[1:-1]

    def _blank(self) -> str:
        return self._random.choice(("", "", "", " ", "\n\t"))


READ = """
SELECT
    JSONExtractKeysAndValuesRaw(text) AS pairs,
    arrayMap(name -> JSONExtractFloat(text, name), arrayMap(pair -> pair.1, pairs)) AS floats,
    arrayMap(name -> JSONExtractInt(text, name), arrayMap(pair -> pair.1, pairs)) AS ints,
    arrayMap(name -> JSONExtractString(text, name), arrayMap(pair -> pair.1, pairs)) AS strings
FROM (SELECT arrayJoin({texts:Array(String)}) AS text)
"""


def assert_agreement(value: Any, raw: str, number: float, whole: int, text: str) -> None:
    """What Python read of a property is what the engine reads, by each of its functions."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        assert json.loads(raw) == value
        assert not isinstance(value, str) or text == value
        return
    assert number == float(value)
    if abs(value) < 2**63:
        assert json.loads(raw) == value
        assert not float(value).is_integer() or whole == value
    else:
        assert float(json.loads(raw)) == float(value)


class Judged(NamedTuple):
    """A document, what the collector read in it, and the row that it became."""

    document: Document
    item: dict[str, Any]
    row: Row


def judged(documents: list[Document], *, batched: bool) -> list[Judged]:
    """Send documents through the collector's line, each as a call or fifty in a batch."""
    bodies = [one.text.encode() for one in documents]
    if batched:
        fifties = [bodies[start : start + 50] for start in range(0, len(bodies), 50)]
        read = [decode("batch", b'{"batch":[' + b",".join(some) + b"]}") for some in fifties]
    else:
        read = [decode("identify" if b"traits" in body else "track", body) for body in bodies]
    envelopes = [one for one in read if isinstance(one, Envelope)]
    events = [event for one in envelopes for event in one.events]
    rows = [row for one in envelopes for row in PIPELINE.admit(one, WEB).rows]
    found = zip(documents, (event.item for event in events), rows, strict=True)
    return list(map(Judged._make, found))


@pytest.mark.parametrize("batched", [False, True], ids=["single", "batch"])
def test_schema_hashes_and_sql_read_the_same(
    warehouse: PreparedWarehouse, *, batched: bool
) -> None:
    """Of 1,000 generated calls ambiguous ones are rejected, all others read alike everywhere."""
    writer = Writer(2026)
    calls = judged([writer.call() for _ in range(1_000)], batched=batched)
    assert all(
        (call.row.reason == "duplicate_key") == call.document.twice
        for call in calls
        if call.row.reason != "unreadable_event"
    )
    counts = Counter(call.row.reason for call in calls)
    assert counts[""] > 300, counts
    assert counts["duplicate_key"] > 100, counts
    accepted = [call for call in calls if not call.row.reason]
    for start in range(0, len(accepted), 100):
        some = accepted[start : start + 100]
        read = [read_call(call.row.payload, call.row.event_type) for call in some]
        texts = [one.properties.decode() for one in read]
        found = warehouse.client.query(READ, {"texts": texts}).result_rows
        for call, (pairs, *readings) in zip(some, found, strict=True):
            sent = call.item.get("properties") or call.item["traits"]
            if "email" in sent:
                sent = sent | {"email": hash_personal(sent["email"], SECRET)}
            assert [name for name, _ in pairs] == list(sent)
            for (name, raw), *others in zip(pairs, *readings, strict=True):
                assert_agreement(sent[name], raw, *others)


PAYMENT = (
    '{"type":"track","event":"payment_completed","userId":"u","properties":{"product":"nbcamp",'
    '"track":"kotlin","order_id":"o","currency":"KRW","method":"credit_card","amount":%s}}'
)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("1000", ""),
        ("1e3", ""),
        ("1000.0", ""),
        ("-0", ""),
        ("100000001", "schema"),
        ("18446744073709551616", "schema"),
        ("1e22", "schema"),
        ("1e400", "unreadable_event"),
    ],
)
def test_a_number_of_the_plan(number: str, reason: str) -> None:
    """A number that the plan describes is one that the engine reads, or it is rejected."""
    document = Document(PAYMENT % number, twice=False)
    (call,) = judged([document], batched=True)
    assert call.row.reason == reason
