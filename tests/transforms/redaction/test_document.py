"""What is replaced in a JSON text, whole or broken, by the names of its fields."""

import json
import re

import pytest

from funnelhouse.transforms.privacy import hash_personal
from funnelhouse.transforms.redaction.document import DocumentRedactor, Marks, marks_of

SECRET = b"a secret of the tests"
TRAITS = marks_of([("email",), ("name",), ("address", "street"), ("emails", "*")])


def redacted(text: str, marks: Marks | None = None) -> str:
    """The text without what is personal in it, which a second pass must leave as it is."""
    kept = DocumentRedactor(SECRET, traits=TRAITS).document(text, marks or {})
    assert DocumentRedactor(SECRET, traits=TRAITS).document(kept, marks or {}) == kept
    return kept


@pytest.mark.parametrize(
    "sent",
    [
        '{"traits":{"Email":"MARK"}}',
        '{"traits":{"e_mail":"MARK"}}',
        '{"traits":{"E-Mail":["MARK",{"work":"MARK"}]}}',
        '{"traits":{"email":{"work":"MARK"}}}',
        '{"traits":{"name":"MARK"},"traits":{}}',
        '{"traits":{},"traits":{"name":"MARK"}}',
        '{"traits":{"address":{"STREET":"MARK"}}}',
        '{"traits":[{"name":"MARK"}]}',
        '{"context":{"traits":{"name":"MARK"}}}',
        '{"context":[{"traits":{"name":"MARK"}}]}',
        '{"traits":"{\\"name\\":\\"MARK\\"}"}',
        '{"traits":"{\\"a\\":\\"{\\\\\\"email\\\\\\":\\\\\\"MARK\\\\\\"}\\"}"}',
        '{"x":{"firstName":"MARK","이름":"MARK","휴대폰 번호":"MARK"}}',
        '{"n\\u0061me":1,"traits":{"n\\u0061me":"MARK"}}',
        '{"properties":{"q":"%7B%22email%22%3A%22MARK%22%7D"}}',
        '{"user":{"name":"MARK"},"password":"MARK"}',
        '[{"key":"email","value":{"stringValue":"MARK"}},{"value":"MARK","label":"이름 (필수)"}]',
        '{"schema":"iglu:a/change_form/jsonschema/1-0-0","data":{"value":"MARK"}}',
        '{"traits":{"name":"MARK',
        '{"traits":{"n":NaN,"name":"MARK"}',
        '{"traits":{"name":"MARK\\',
        '{"traits":{"name":\'MARK\'}}',
        '{"traits":{"name":MARK}}',
        '}}]{"traits":{"name":"MARK"}}',
        '{"traits":{"name":"a\nMARK"}}',
    ],
)
def test_marked_fields(sent: str) -> None:
    """Marked fields are hashed under any spelling, in any shape, in whole and in broken texts."""
    assert "MARK" not in redacted(sent)


def test_the_rest_stays() -> None:
    """Blanks, numbers, escapes and fields of other names stay byte for byte."""
    rest = '{ "n":1e5 , "z":null,"a":"\\u00e9\\/","name":"Home","library":{"name":"x"},"age":31}'
    assert redacted(rest) == rest
    sent = '{ "n":1.0 , "email":"kim@example.com", "y":"\\u0041"}'
    kept = sent.replace("kim@example.com", hash_personal("kim@example.com", SECRET))
    assert redacted(sent) == kept


def test_described_and_not_marked() -> None:
    """A field that the event's schema describes without a mark keeps its value."""
    marks = {"properties": {"nickname": {"-": {}}}}
    sent = '{"properties":{"nickname":"red","username":"kim"}}'
    assert redacted(sent, marks).startswith('{"properties":{"nickname":"red","username":"hmac')


def test_without_patterns() -> None:
    """Without patterns the plan's marks alone count."""
    redactor = DocumentRedactor(SECRET, patterns=False, traits=TRAITS)
    kept = json.loads(redactor.document('{"traits":{"E-mail":"a","phone":"010-1234-5678"}}', {}))
    assert kept["traits"]["phone"] == "010-1234-5678"
    assert kept["traits"]["E-mail"] == hash_personal("a", SECRET)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ('{"writeKey":"dev","a":1}', '{"a":1}'),
        ('{"a":1,"writeKey":"dev"}', '{"a":1}'),
        ('{ "a":1 , "write_key" : "dev" }', '{ "a":1  }'),
        ('{"writeKey":"dev"}', "{}"),
        ('{"writeKey":{"a":["dev"]},"a":1}', '{"a":1}'),
        ('{"a":{"write\\u004bey":"dev","b":2}}', '{"a":{"b":2}}'),
        ('{"writeKey":"dev', "{"),
    ],
)
def test_write_keys_are_cut_out(sent: str, kept: str) -> None:
    """A write key is left out with its name and comma, wherever it stands."""
    assert redacted(sent) == kept


@pytest.mark.parametrize(
    "sent",
    [
        '{"kim@example.com":1}',
        '{"a":"kim\\u0040example.com"}',
        '{"a":"k\\u0069m@example.com"}',
        '{"userId":"kim@example.com"}',
        '{"a":"kim@exam',
        '{"event":"call 010-1234-5678"}',
    ],
)
def test_patterns_in_keys_and_texts(sent: str) -> None:
    """What looks personal is found in keys and texts, escaped or cut."""
    kept = redacted(sent)
    assert "hmac-sha256:" in kept
    assert not re.search("kim|1234|0069m", kept.replace("hmac-sha256:", ""))


def test_ids_keep_what_is_no_address() -> None:
    """In an id only an e-mail address or a phone number is replaced, so that ids still join."""
    sent = '{"userId":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0","anonymousId":"4111-1111-1111-1111"}'
    assert redacted(sent) == sent


def test_numbers() -> None:
    """A JSON number is an id or a time, unless its field says what it is."""
    sent = '{"order_id":4111111111111111,"at":1700000000000,"n":1012345678}'
    assert redacted(sent) == sent
    kept = json.loads(redacted('{"card":4111111111111111,"phone":1012345678,"mail":1}'))
    assert [str(value)[:4] for value in kept.values()] == ["hmac", "hmac", "1"]
