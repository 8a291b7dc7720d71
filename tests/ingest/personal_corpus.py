"""500 requests with a mark each where personal data stands, and what must be found of none of them.

Every request is odd in its own way: broken, escaped, encoded, of another tracker, of a stranger.
"""

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

COUNT = 500
_P = "https://nbcamp.example/kotlin"


@dataclass(frozen=True)
class Request:
    """One request: where it goes, and what must not be found after it."""

    path: str
    body: bytes | None
    marks: tuple[str, ...]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Mark:
    """What stands for one person: an address, a number and a name that nobody else has."""

    number: int

    @property
    def mail(self) -> str:
        """An e-mail address."""
        return f"qz{self.number:04d}x@person.example"

    @property
    def phone(self) -> str:
        """A mobile number."""
        return f"010-7{self.number:03d}-9{self.number:03d}"

    @property
    def digits(self) -> str:
        """The same number without gaps."""
        return self.phone.replace("-", "")

    @property
    def name(self) -> str:
        """A name."""
        return f"홍길{self.number:04d}동"

    @property
    def token(self) -> str:
        """A token."""
        return f"tokqz{self.number:04d}zz{self.number:04d}"

    @property
    def found_by(self) -> tuple[str, ...]:
        """Every piece by which one of them would be found in clear."""
        n = self.number
        pieces = (f"qz{n:04d}", f"7{n:03d}-9{n:03d}", f"7{n:03d}9{n:03d}", f"7{n:03d}.9{n:03d}")
        return (*pieces, f"7{n:03d} 9{n:03d}", f"길{n:04d}동", quote(f"길{n:04d}동"))


Case = Callable[[Mark], tuple[str, bytes | None, dict[str, str]]]
_BASIC = {"authorization": "Basic " + base64.b64encode(b"dev:").decode()}


def requests() -> Iterator[Request]:
    """Go through the cases again and again, each time with another mark."""
    for number in range(COUNT):
        mark = Mark(number)
        path, body, headers = CASES[number % len(CASES)](mark)
        yield Request(path, body, mark.found_by, _BASIC | headers)


def _text(path: str, text: str | bytes, **headers: str) -> tuple[str, bytes, dict[str, str]]:
    body = text if isinstance(text, bytes) else text.encode()
    return path, body, {name.replace("_", "-"): value for name, value in headers.items()}


def _call(path: str = "/v1/track", **fields: Any) -> tuple[str, bytes, dict[str, str]]:
    call = {"type": "track", "event": "CTA Clicked", "anonymousId": "corpus", **fields}
    return _text(path, json.dumps(call, ensure_ascii=False))


def _click(**properties: Any) -> tuple[str, bytes, dict[str, str]]:
    return _call(properties={"cta_id": "apply", **properties})


def _page(url: str, title: str = "", referrer: str = "") -> tuple[str, bytes, dict[str, str]]:
    page = {"url": url, "title": title, "referrer": referrer}
    return _call("/v1/page", type="page", context={"page": page})


def _identify(m: Mark, **traits: Any) -> str:
    return json.dumps(
        {"type": "identify", "userId": "u", "traits": {"email": m.mail, "name": m.name, **traits}},
        ensure_ascii=False,
    )


def _snowplow(*payloads: dict[str, Any]) -> tuple[str, bytes, dict[str, str]]:
    schema = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
    text = json.dumps({"schema": schema, "data": payloads}, ensure_ascii=False)
    return _text("/com.snowplowanalytics.snowplow/tp2", text)


def _form(kind: str, data: dict[str, Any], *, encoded: bool = False) -> Any:
    outer = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"
    inner = f"iglu:com.snowplowanalytics.snowplow/{kind}/jsonschema/1-0-0"
    event = json.dumps({"schema": outer, "data": {"schema": inner, "data": data}})
    if encoded:
        event = base64.urlsafe_b64encode(event.encode()).decode()
    return _snowplow({"e": "ue", "duid": "d", ("ue_px" if encoded else "ue_pr"): event})


def _otlp(attributes: dict[str, str], message: str = "x", cut: int = 0) -> Any:
    pairs = [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]
    record = {"timeUnixNano": "1", "body": {"stringValue": message}, "attributes": pairs}
    text = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})
    return _text("/v1/logs", text[: len(text) - cut], content_type="application/json")


def _protobuf(m: Mark) -> Any:
    value = f"user {m.mail} {m.phone}".encode()
    return _text(
        "/v1/logs", b"\x0a\xff" + bytes([len(value)]) + value, content_type="application/x-protobuf"
    )


def _pixel(query: str) -> tuple[str, None, dict[str, str]]:
    return f"/v1/pixel/track?writeKey=dev&{query}", None, {}


def _data(text: str) -> str:
    return quote(base64.b64encode(text.encode()).decode())


def _slack(m: Mark) -> str:
    profile = {"email": m.mail, "real_name": m.name, "phone": m.phone, "title": m.name}
    return json.dumps(
        {"type": "team_join", "user": {"id": "U1", "name": m.name, "profile": profile}}
    )


def _stripe(m: Mark) -> str:
    address = {"line1": m.name, "city": "서울"}
    who = {"email": m.mail, "name": m.name, "phone": m.phone, "address": address}
    return json.dumps({"id": "evt_1", "data": {"object": {"customer_details": who}}})


def _typeform(m: Mark) -> str:
    answers = [{"type": "text", "text": m.name}, {"type": "email", "email": m.mail}]
    return json.dumps({"event_id": "1", "form_response": {"answers": answers}}, ensure_ascii=False)


def _tally(m: Mark) -> str:
    fields = [{"label": "이름", "value": m.name}, {"value": m.phone, "label": "연락처"}]
    return json.dumps({"eventType": "FORM_RESPONSE", "data": {"fields": fields}})


def _toss(m: Mark) -> str:
    data = {"customerName": m.name, "customerEmail": m.mail, "customerMobilePhone": m.digits}
    return json.dumps({"eventType": "PAYMENT_STATUS_CHANGED", "data": data}, ensure_ascii=False)


def _multipart(m: Mark) -> Any:
    part = 'Content-Disposition: form-data; name="name"'
    return _text(
        "/v1/track",
        f"--b\r\n{part}\r\n\r\n{m.name}\r\n--b--\r\n",
        content_type="multipart/form-data; boundary=b",
    )


CASES: tuple[Case, ...] = (
    # bodies that break off, or are no JSON for another reason
    lambda m: _text("/v1/identify", _identify(m)[:-1]),
    lambda m: _text("/v1/identify", _identify(m)[:-3]),
    lambda m: _text("/v1/identify", _identify(m, n=float("nan"))),
    lambda m: _text("/v1/batch", f'{{"batch":[{_identify(m)},{_identify(m)}'),
    lambda m: _text("/v1/batch", f'{{"batch":{_identify(m)}}}'),
    lambda m: _text("/v1/identify", _identify(m).replace('"u"', '"\x01"')),
    lambda m: _text("/v1/identify", _identify(m).encode() + b"\xff\xfe"),
    lambda m: _text("/v1/identify", b"\xef\xbb\xbf" + _identify(m).encode()),
    lambda m: _text("/v1/identify", _identify(m).encode("utf-16")),
    lambda m: _text("/v1/identify", _identify(m).encode("utf-16-le")),
    lambda m: _text("/v1/identify", _identify(m)[:-1].encode("cp949")),
    lambda m: _text(
        "/v1/identify", gzip.compress(_identify(m).encode())[:-12], content_encoding="gzip"
    ),
    lambda m: _text("/v1/identify", _identify(m), content_encoding="rot13"),
    lambda m: _text("/v1/identify", _identify(m).replace('"', "'")),
    lambda m: _text("/v1/identify", f"{{email: {m.mail}, name: {m.name}}}"),
    lambda m: _text("/v1/identify", json.dumps(_identify(m))),
    lambda m: _text("/v1/identify", f"[{_identify(m)}]"),
    lambda m: _text("/v1/track", f"email={quote(m.mail)}&name={quote(m.name)}&phone={m.digits}"),
    lambda m: _text("/v1/track", f"payload={quote(_slack(m))}"),
    lambda m: _text("/v1/track", f"<user><name>{m.name}</name><email>{m.mail}</email></user>"),
    _multipart,
    lambda m: _text("/v1/track", f"name: {m.name}\nphone: {m.phone}\n"),
    lambda m: _text("/v1/track", f"{_identify(m)}\n{_identify(m)}\n"),
    lambda m: _text("/v1/track", "[" * 600 + f'"{m.mail}"' + "]" * 600),
    lambda m: _text("/v1/nowhere", _identify(m)),
    # spellings, duplicates and shapes of fields
    lambda m: _text(
        "/v1/identify", f'{{"userId":"u","traits":{{"email":"{m.mail}"}},"traits":{{}}}}'
    ),
    lambda m: _text(
        "/v1/identify", f'{{"userId":"u","traits":{{}},"traits":{{"name":"{m.name}"}}}}'
    ),
    lambda m: _call("/v1/identify", userId="u", traits={"E-Mail": m.mail, "First Name": m.name}),
    lambda m: _call("/v1/identify", userId="u", traits={"이메일": m.mail, "이름": m.name}),
    lambda m: _call(
        "/v1/identify", userId="u", traits=json.dumps({"email": m.mail, "name": m.name})
    ),
    lambda m: _call("/v1/identify", userId="u", traits=[{"name": m.name}, {"phone": m.digits}]),
    lambda m: _call(
        "/v1/identify", userId="u", traits={"address": {"street": m.name}, "birthday": m.name}
    ),
    lambda m: _call(context={"traits": {"name": m.name, "e_mail": [m.mail]}}),
    lambda m: _text(
        "/v1/batch",
        json.dumps(
            {"batch": [{"type": "page", "userId": "u"}], "context": {"traits": {"name": m.name}}}
        ),
    ),
    lambda m: _call(event="Nobody Planned", properties={"lastName": m.name, "연락처": m.phone}),
    lambda m: _call(event="Nobody Planned", properties={"list": [{"user": {"name": m.name}}]}),
    lambda m: _click(
        note=json.dumps({"a": json.dumps({"phone": m.digits, "name": m.name and ""})})
    ),
    lambda m: _click(**{m.mail: 1}),
    lambda m: _click(mobile=int("8210" + m.digits[3:])),
    # patterns in texts of every place
    lambda m: _click(label=f"문의 {m.phone} {m.mail}"),
    lambda m: _click(label=f"전화{m.digits}로"),
    lambda m: _click(label=m.phone.replace("-", ".")),
    lambda m: _click(label=m.phone.replace("-", " ")),
    lambda m: _click(label="+82 10-" + m.phone[4:]),
    lambda m: _click(label=m.phone.translate({ord(str(d)): 0xFF10 + d for d in range(10)})),
    lambda m: _text("/v1/track", _click(label=m.mail)[1].replace(b"@", rb"\u0040")),
    lambda m: _text("/v1/track", _click(label=m.mail)[1].replace(b"qz", rb"q\u007a")),
    lambda m: _click(label=f"비밀번호: {m.token}"),
    lambda m: _click(label=f"Authorization: Bearer {m.token}"),
    lambda m: _call(event=f"Call {m.phone}"),
    lambda m: _call(event=m.mail, properties={}),
    lambda m: _call(userId=m.mail, properties={"cta_id": "apply"}),
    lambda m: _call(userId=f"kakao|{m.digits}", messageId=m.mail, properties={"cta_id": "apply"}),
    lambda m: _call("/v1/alias", type="alias", userId="u", previousId=m.mail),
    lambda m: _call(
        "/v1/group", type="group", userId="u", groupId=m.mail, traits={"email": m.mail}
    ),
    lambda m: _call(timestamp=m.mail),
    lambda m: _call(context={"schema_version": m.mail}),
    lambda m: _call(context={"run": m.mail}, properties={"cta_id": "apply"}),
    lambda m: _call(properties={"cta_id": {m.mail: m.phone}}),
    # addresses, titles, referrers and headers
    lambda m: _page(f"{_P}?email={m.mail}"),
    lambda m: _page(f"{_P}?e={quote(m.mail)}&phone={m.digits}"),
    lambda m: _page(f"{_P}?next={quote(quote(f'/x?e={m.mail}', safe=''), safe='')}"),
    lambda m: _page(f"{_P}/{quote(m.mail)}/x#token={m.token}"),
    lambda m: _page(f"https://{m.token}:pw@nbcamp.example/"),
    lambda m: _page(f"{_P}?access_token={m.token}&code={m.token}"),
    lambda m: _page(f"{_P}?이름={m.name}"),
    lambda m: _page(f"{_P}?name={quote(m.name)}&email=x"),
    lambda m: _page(_P, title=f"{m.mail} 님의 지원서"),
    lambda m: _page(_P, referrer=f"https://mail.example/?to={m.mail}"),
    lambda m: _text("/v1/page", '{"userId":"u"}', referer=f"{_P}?e={m.mail}"),
    lambda m: _text("/v1/page", '{"userId":"u"}', referer=f"{_P}?{'x' * 970}&e={m.mail}"),
    lambda m: _text("/v1/page", '{"userId":"u"}', user_agent=f"Agent/1 (+{m.mail})"),
    lambda m: _text("/v1/page", '{"userId":"u"}', x_funnelhouse_run=m.mail),
    # pixels
    lambda m: _pixel(f"event=CTA+Clicked&anonymousId=a&properties.label={quote(m.mail)}"),
    lambda m: _pixel(f"event=x&anonymousId={quote(m.mail)}"),
    lambda m: _pixel(f"data={_data(_identify(m))}"),
    lambda m: _pixel(f"data={_data(_identify(m)[:-2])}"),
    lambda m: _pixel(f"event=x&properties={quote('{' + m.mail)}"),
    # other trackers
    lambda m: _snowplow(
        {"e": "pv", "duid": "d", "url": f"{_P}?e={m.mail}", "page": m.phone, "refr": m.mail}
    ),
    lambda m: _snowplow(
        {
            "e": "se",
            "duid": "d",
            "se_ca": "cta",
            "se_ac": "click",
            "se_la": f"문의 {m.phone}",
            "se_pr": m.mail,
        }
    ),
    lambda m: _snowplow({"e": "pv", "uid": m.mail, "url": _P}),
    lambda m: _form(
        "change_form", {"formId": "f", "elementId": "n", "nodeName": "INPUT", "value": m.name}
    ),
    lambda m: _form(
        "focus_form",
        {"formId": "f", "elementId": "n", "nodeName": "INPUT", "value": m.name},
        encoded=True,
    ),
    lambda m: _form(
        "submit_form",
        {"formId": "f", "elements": [{"name": "n", "value": m.name, "nodeName": "INPUT"}]},
    ),
    lambda m: _snowplow(
        {"e": "ue", "duid": "d", "ue_px": base64.b64encode(_identify(m)[:-2].encode()).decode()}
    ),
    lambda m: (
        "/i?" + f"e=pv&duid=d&url={quote(_P + '?e=' + m.mail)}&page={quote(m.phone)}",
        None,
        {},
    ),
    lambda m: _text("/com.snowplowanalytics.snowplow/tp2", _slack(m)),
    lambda m: _otlp({"user.email": m.mail, "이름": m.name}, f"login of {m.mail}"),
    lambda m: _otlp({"enduser.name": m.mail, "email": m.name}, m.phone, cut=3),
    _protobuf,
    # bodies of strangers
    lambda m: _text("/v1/track", _slack(m)),
    lambda m: _text("/v1/batch", _slack(m)),
    lambda m: _text("/v1/track", _stripe(m)),
    lambda m: _text("/v1/track", _typeform(m)),
    lambda m: _text("/v1/batch", _typeform(m)),
    lambda m: _text("/v1/track", _tally(m)),
    lambda m: _text("/v1/track", _toss(m)[:-1]),
)
