"""1,000 ordinary ids, numbers, times and texts pass the redactor and its screen unchanged."""

import base64
import json
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from funnelhouse.transforms.redaction.document import DocumentRedactor
from funnelhouse.transforms.redaction.screen import screen

Draw = Callable[[random.Random], str]
_WORDS = (
    *(
        "내일배움캠프",
        "코틀린",
        "스프링",
        "지원하기",
        "사전알림신청",
        "면접",
        "서류합격",
        "국비지원",
    ),
    *("수강신청", "커리큘럼", "후기", "개강일", "모집", "마감", "직장인", "비전공자", "취업률"),
    *("무료", "상담", "지금", "바로", "확인하세요", "6기", "7기", "12주", "96%"),
)
_FAMILY = ("김", "이", "박", "최")


def _digits(length: int) -> Draw:
    return lambda r: str(r.randint(10 ** (length - 1), 10**length - 1))


def _time(r: random.Random) -> datetime:
    return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=r.randint(0, 220_000_000))


def _letters(alphabet: str, length: int) -> Draw:
    return lambda r: "".join(r.choices(alphabet, k=length))


_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
DRAWS: dict[str, Draw] = {
    "UUID": lambda r: str(uuid.UUID(int=r.getrandbits(128), version=4)),
    "UUID without hyphens": lambda r: uuid.UUID(int=r.getrandbits(128), version=4).hex,
    "messageId of analytics.js": lambda r: (
        f"ajs-next-{_digits(13)(r)}-{uuid.UUID(int=r.getrandbits(128), version=4)}"
    ),
    "ULID": _letters("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 26),
    "nanoid": _letters(_BASE64, 21),
    "object id": _letters("0123456789abcdef", 24),
    "SHA-256": _letters("0123456789abcdef", 64),
    "id of 8 digits": _digits(8),
    "id of 10 digits": _digits(10),
    "id of 11 digits": _digits(11),
    "id of 13 digits": _digits(13),
    "id of 16 digits": _digits(16),
    "snowflake": _digits(18),
    "order of a shop": lambda r: f"{_time(r):%Y%m%d}-{r.randint(0, 9_999_999):07d}",
    "order of a market": lambda r: f"{_time(r):%Y%m%d%H}{r.randint(0, 999_999):06d}",
    "order with letters": lambda r: f"ORD-{_time(r):%y%m%d}-{r.randint(0, 99_999):05d}",
    "order by thirds": lambda r: f"{r.randint(100, 999)}-{_digits(7)(r)}-{_digits(7)(r)}",
    "registration of a company": lambda r: f"{_digits(3)(r)}-{_digits(2)(r)}-{_digits(5)(r)}",
    "number of a company": lambda r: f"15{r.randint(0, 99):02d}-{_digits(4)(r)}",
    "price": lambda r: f"{r.randint(1, 99_999_999):,}원",
    "change of price": lambda r: f"+{r.randint(1, 9_999_999):,}",
    "signed amount": lambda r: f"+{r.randint(1, 99_999_999)}",
    "float": lambda r: repr(r.uniform(-1e6, 1e6)),
    "coordinates": lambda r: f"{r.uniform(33, 39):.6f},{r.uniform(124, 132):.7f}",
    "time": lambda r: _time(r).isoformat(timespec="milliseconds"),
    "time in Seoul": lambda r: f"{_time(r):%Y-%m-%dT%H:%M:%S}+09:00",
    "time in Korean": lambda r: f"{_time(r):%Y년 %m월 %d일 %H시 %M분}",
    "date": lambda r: f"{_time(r):%Y.%m.%d}~{_time(r):%Y.%m.%d}",
    "milliseconds": lambda r: str(int(_time(r).timestamp() * 1000)),
    "microseconds": lambda r: str(int(_time(r).timestamp() * 1_000_000)),
    "version": lambda r: f"{r.randint(0, 30)}.{r.randint(0, 99)}.{r.randint(0, 9999)}-rc.1",
    "package": lambda r: (
        f"@scope/name@{r.randint(0, 9)}.{r.randint(0, 99)}.0-beta.{r.randint(0, 9)}"
    ),
    "IP address": lambda r: ".".join(str(r.randint(1, 254)) for _ in range(4)),
    "page address": lambda r: (
        f"https://nbcamp.example/{r.choice(_WORDS)}/{r.randint(1, 9999)}?utm_source=crm"
        f"&utm_medium=email&utm_id={r.randint(1, 10**9)}&gclid={_letters(_BASE64, 40)(r)}&page=2"
    ),
    "handle": lambda r: f"https://video.example/@channel{r.randint(1, 999)}/videos",
    "title": lambda r: " ".join(r.choices(_WORDS, k=6)),
    "label": lambda r: f"{r.choice(_WORDS)} {r.randint(1, 200)}명 / {r.randint(1, 100)}%",
    "sentence": lambda r: (
        f"{r.choice(_FAMILY)}OO 님이 {r.randint(1, 59)}분 전에 {r.choice(_WORDS)}"
    ),
    "client id of GA": lambda r: f"GA1.1.{_digits(9)(r)}.{_digits(10)(r)}",
    "viewport": lambda r: f"{r.randint(300, 4000)}x{r.randint(300, 4000)} {r.randint(1, 3)}.0",
    "trace": lambda r: (
        f"00-{_letters('0123456789abcdef', 32)(r)}-{_letters('0123456789abcdef', 16)(r)}-01"
    ),
    "picture": lambda r: f"logo@{r.randint(2, 3)}x.png",
    "colour and size": lambda r: f"#{_letters('0123456789abcdef', 6)(r)} {r.randint(1, 99)}px",
    "bytes": lambda r: base64.b64encode(r.randbytes(24)).decode(),
    "user agent": lambda r: (
        f"Mozilla/5.0 (Linux; Android {r.randint(9, 16)}; K) AppleWebKit/537.36"
        f" Chrome/{r.randint(90, 140)}.0.{r.randint(1000, 9999)}.{r.randint(10, 250)} Mobile"
    ),
    "IPv6 address": lambda r: ":".join(_letters("0123456789abcdef", 4)(r) for _ in range(8)),
    "section": lambda r: f"section-{r.randint(1, 20)}_{r.choice('abc')}",
    "percent": lambda r: f"{r.uniform(-50, 150):.1f}%p",
    "span of years": lambda r: f"{r.randint(1990, 2009)}-{r.randint(2010, 2026)}",
    "seat": lambda r: f"A{r.randint(1, 99):02d}-{r.randint(1, 999):03d}",
}


def corpus() -> list[str]:
    """20 of each kind, the same at each run."""
    chance = random.Random(20_261_130)
    return [draw(chance) for draw in DRAWS.values() for _ in range(20)]


def test_a_thousand_ordinary_values() -> None:
    """None is changed as a text of a property, as an id, or as a number."""
    values = corpus()
    assert len(values) == 1_000
    for value in values:
        event = {"userId": value, "properties": {"a": value, "order_id": value}}
        numbers = {"n": int(value)} if value.isdigit() else {}
        text = json.dumps(event | numbers, ensure_ascii=False)
        assert DocumentRedactor(b"secret").document(text, {}) is text, value


@pytest.mark.parametrize("escaped", [False, True])
def test_the_screen_lets_most_pass(escaped: bool) -> None:  # noqa: FBT001 - a parameter
    """Few ordinary values make the redactor look: it costs time and changes nothing."""
    texts = [json.dumps({"a": value}, ensure_ascii=escaped) for value in corpus()]
    assert sum(screen().hits(text.encode()) for text in texts) < 120
