"""What is replaced in one text: addresses, numbers and tokens, and nothing that is ordinary."""

import re
import time

import pytest

from funnelhouse.transforms.privacy import hash_personal
from funnelhouse.transforms.redaction.patterns import NOWHERE, Where
from funnelhouse.transforms.redaction.text import Redactor

SECRET = b"a secret of the tests"
EMAIL = hash_personal("kim@example.com", SECRET)
PHONE = hash_personal("010-1234-5678", SECRET)


def redacted(text: str, where: Where = NOWHERE) -> str:
    """The text without what is personal in it, which a second pass must leave as it is."""
    kept = Redactor(SECRET).text(text, where)
    assert Redactor(SECRET).text(kept, where) == kept
    return kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("kim@example.com", "{}"),
        ("Kim@Example.COM", "{}"),
        ("ｋｉｍ＠ｅｘａｍｐｌｅ．ｃｏｍ", "{}"),
        ("kim&#64;example.com", "{}"),
        ("메일kim@example.com으로", "메일{}으로"),
        ("<kim@example.com>, **kim@example.com**", "<{0}>, **{0}**"),
        ("mailto:kim@example.com?subject=hi", "mailto:{}?subject=hi"),
        ("https://a.example/?e=kim%40example.com&x=1", "https://a.example/?e={}&x=1"),
        ("https://a.example/?e=kim%2540example.com", "https://a.example/?e={}"),
        ("https://a.example/?email=kim@example.com", "https://a.example/?email={}"),
        ("auth0|kim@example.com", "auth0|{}"),
    ],
)
def test_mail_addresses(sent: str, kept: str) -> None:
    """An e-mail address becomes one hash, however it is written and whatever stands around it."""
    assert redacted(sent) == kept.format(EMAIL)


@pytest.mark.parametrize(
    "sent",
    [
        "김철수@예시.한국",
        "kim@예시.한국",
        "o'brien@example.com",
        "kim@[192.0.2.1]",
        "kim@192.0.2.1",
        '"kim chul"@example.com',
        "kim.chul+tag@mail.example.co.kr",
    ],
)
def test_rare_mail_addresses(sent: str) -> None:
    """Addresses of other scripts and forms are hashed too."""
    assert re.fullmatch(r"hmac-sha256:[0-9a-f]{64}", redacted(sent))


@pytest.mark.parametrize(
    "sent",
    [
        "010-1234-5678",
        "010.1234.5678",
        "010 1234 5678",
        "01012345678",
        "010–1234–5678",
        "０１０-１２３４-５６７８",
        "٠١٠-١٢٣٤-٥٦٧٨",
        "+82 10-1234-5678",
        "+82-10-1234-5678",
        "+821012345678",
        "+82 (0)10 1234 5678",
        "0082 10 1234 5678",
        "82-10-1234-5678",
        "821012345678",
        "(010) 1234-5678",
        "010)1234-5678",
        "010\u200b1234\u200b5678",
        "010\u00a01234\u00a05678",
        "010%201234%205678",
    ],
)
def test_spellings_of_a_phone_number(sent: str) -> None:
    """A Korean mobile number has one hash in every spelling."""
    assert redacted(sent) == PHONE


@pytest.mark.parametrize(
    "sent",
    [
        "(02) 123-4567",
        "02-1234-5678",
        "031)123-4567",
        "070-1234-5678",
        "0503-1234-5678",
        "+82 2-123-4567",
        "+1 (415) 555-0123",
        "+14155550123",
        "(415) 555-0123",
        "+44 20 7946 0958",
        "+8613800138000",
        "011-234-5678",
    ],
)
def test_other_phone_numbers(sent: str) -> None:
    """Fixed, internet and international numbers are hashed."""
    assert re.fullmatch(r"hmac-sha256:[0-9a-f]{64}", redacted(sent))


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        ("900101-1234567", ""),  # a grown person's date of birth is enough
        ("주민번호 9001011234567", "주민번호 "),
        ("040229-3123456", ""),
        ("4111-1111-1111-1111", ""),
        ("4111 1111 1111 1111", ""),
        ("3782-822463-10005", ""),
        ("카드 4111111111111111", "카드 "),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_", ""),
        ("Authorization: Bearer abcdef1234567890", "Authorization: Bearer "),
        ("Basic ZGV2OnB3", "Basic "),
        ("sk_live_abcdefgh12345678", ""),
        ("AKIAIOSFODNN7EXAMPLE", ""),
        ("https://a.example/?access_token=abc", "https://a.example/?access_token="),
        ("https://a.example/#token=abc", "https://a.example/#token="),
        ("https://a.example/cb?code=abcdef123", "https://a.example/cb?code="),
        ("https://a.example/;jsessionid=ABC", "https://a.example/;jsessionid="),
        ("https://kim:pw@a.example/x", "https://@a.example/x"),
        ("password=hunter2", "password="),
        ("비밀번호: hunter2", "비밀번호: "),
        ("?name=홍길동&phone=1", "?name=&phone="),
        ("?이름=홍길동", "?이름="),
        ("?%EC%9D%B4%EB%A6%84=%ED%99%8D", "?%EC%9D%B4%EB%A6%84="),
        ("https://a.example/v1/pixel/page?writeKey=dev&x=1", None),
    ],
)
def test_numbers_and_tokens(sent: str, left: str | None) -> None:
    """Resident and card numbers, tokens, passwords and named parameters are hashed."""
    kept = redacted(sent)
    if left is None:
        assert kept == "https://a.example/v1/pixel/page?writeKey=&x=1"
    else:
        assert re.sub(r"hmac-sha256:[0-9a-f]{64}", "", kept) == left
        assert kept != left


@pytest.mark.parametrize(
    "sent",
    [
        "1700000000000",
        "2024080112345678",
        "4111111111111111",  # digits alone may be any id
        "9001011234567",
        "2026-11-30T00:00:00.123+09:00",
        "240801-1234567",  # an order: nobody is born in 1924, and the checksum fails
        "20240801-01012345678",
        "127.01012345678",
        "37.5665,126.9780",
        "6f1c9d0e-6a55-4b5e-9d0a-0c8f2f7f3a11",
        "ajs-next-1722470400000-010a4567-7f0e-4a55-8d0c-010123456789",
        "npm:next@1.70.0-rc.alpha",
        "logo@2x.png",
        "https://www.youtube.com/@kim/videos",
        "https://a.example/?utm_source=crm&utm_medium=email&gclid=Cj0KCQ&code=KR",
        "Basic Programming, Bearer certificates",
        "123-45-67890",
        "1588-1234",
        "+1,500,000원",
        "내일배움캠프 Kotlin & Spring 6기 (2024.07.29~2024.11.15)",
        "1,234,567원 12:30:45 v1.2.3 192.0.2.1",
        "hmac-sha256:" + "0101" * 16,
        "hmac-sha256:" + "4111" * 16,
    ],
)
def test_ordinary_texts(sent: str) -> None:
    """Ids, times, amounts, versions, places and titles stay as they are."""
    assert redacted(sent) == sent


def test_half_an_address_at_a_cut() -> None:
    """What is cut in the middle of an address or number shows no half of it."""
    cut = Where(cut=True)
    assert "kim" not in redacted("from kim@exam", cut)
    assert "1234" not in redacted("tel 010-1234-5", cut)


def test_off() -> None:
    """Without patterns a text stays."""
    assert Redactor(SECRET, patterns=False).text("kim@example.com") == "kim@example.com"


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "1",
        "@",
        "a@",
        "a.b@c.",
        "010",
        "+1 ",
        "%40",
        "%25",
        "1-",
        "4111 ",
        "eyJa",
        "=a&",
        "(",
        "\uac00@",
        "a.",
        "bearer ",
    ],
)
def test_hostile_texts_take_linear_time(piece: str) -> None:
    """Four times the text takes about four times as long, so that no text stalls a worker."""
    short, long = (_seconds((piece * size)[:size]) for size in (20_000, 80_000))
    assert long < 12 * max(short, 0.005)


def _seconds(text: str) -> float:
    started = time.process_time()
    Redactor(SECRET).text(text)
    return time.process_time() - started
