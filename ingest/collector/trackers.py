"""Routes of trackers that speak other protocols than ours: how each is read, and answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

from funnelhouse.ingest.collector import answers
from funnelhouse.ingest.collector.answers import Answer
from funnelhouse.ingest.collector.http import Head
from funnelhouse.ingest.collector.protocols import otlp, snowplow
from funnelhouse.ingest.validation.event import Envelope
from funnelhouse.ingest.validation.limits import Limits
from funnelhouse.ingest.validation.refusal import Refusal
from funnelhouse.schemas.trackers import SnowplowNames

_OK = 200


@dataclass(frozen=True, slots=True)
class Route:
    """One address: its method, its reader and what becomes of the answer.

    `read` takes a body that is plain already; a GET has none, its reader finds the query in the
    head. `answer` is given the answer that our own protocol would have.
    """

    method: str
    read: Callable[[Head, str, bytes, Limits], Envelope | Refusal]
    answer: Callable[[str, Answer], Answer]


def routes(names: SnowplowNames, snowplow_key: str) -> Mapping[str, Route]:
    """Build the routes of the trackers; Snowplow's send no key, so theirs is given."""

    def post(_head: Head, _kind: str, body: bytes, limits: Limits) -> Envelope | Refusal:
        return snowplow.decode(body, names, snowplow_key, limits)

    def get(head: Head, _kind: str, _body: bytes, _limits: Limits) -> Envelope | Refusal:
        head.origin = head.origin or _origin(head.page)
        return snowplow.decode_query(head.query, names, snowplow_key)

    def logs(_head: Head, kind: str, body: bytes, limits: Limits) -> Envelope | Refusal:
        return otlp.decode(body, kind, limits)

    return {
        snowplow.POST_PATH: Route("POST", post, _plain_ok),
        snowplow.GET_PATH: Route("GET", get, _picture),
        otlp.PATH: Route("POST", logs, _exported),
    }


def _plain_ok(_kind: str, answer: Answer) -> Answer:
    return answers.TEXT_OK if answer.status == _OK else answer


def _picture(_kind: str, answer: Answer) -> Answer:
    return answers.GIF if answer.status == _OK else answer


def _exported(kind: str, answer: Answer) -> Answer:
    """Answer an exporter in its own encoding, with the number of records that were rejected."""
    if answer.status != _OK:
        return answer
    results = {} if answer is answers.SUCCESS else orjson.loads(answer.body)["results"]
    as_protobuf = otlp.PROTOBUF in kind
    body = otlp.response(len(results), as_protobuf=as_protobuf)
    return answers.of_kind(b"application/x-protobuf" if as_protobuf else b"application/json", body)


def _origin(page: str) -> bytes:
    """Give the origin of the page that holds a picture: it is sent as Referer alone."""
    try:
        parts = urlsplit(page)
    except ValueError:
        return b""
    return f"{parts.scheme}://{parts.netloc}".encode() if parts.netloc else b""
