import re
from collections import Counter

import orjson
import pytest

from bench.events import BATCH, MARK, Requests, template


@pytest.mark.parametrize("events", [1, BATCH])
def test_message_ids_are_never_repeated(events: int) -> None:
    """Every event of every request has a message id of its own."""
    requests = Requests(template(events).request)
    sent = b"".join(next(requests) for _ in range(3))
    ids = re.findall(rb'"messageId":"([^"]+)"', sent)
    assert len(ids) == len(set(ids)) == 3 * events


def test_every_visitor_has_ten_events_of_one_request() -> None:
    """Events are spread over visitors as people are over theirs: a few each."""
    requests = Requests(template(BATCH).request)
    sent = b"".join(next(requests) for _ in range(3))
    visitors = Counter(re.findall(rb'"anonymousId":"([^"]+)"', sent))
    assert list(visitors.values()) == [10] * (3 * BATCH // 10)


@pytest.mark.parametrize("events", [1, BATCH])
def test_a_request_is_as_long_as_it_says(events: int) -> None:
    """Content-Length holds after the ids are written in, and the body is JSON."""
    head, _, body = next(Requests(template(events).request)).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert MARK not in body
    assert orjson.loads(body)["writeKey"] == "dev"


def test_an_event_is_as_large_as_a_browsers() -> None:
    """A single event has about 640 bytes."""
    _, _, body = template(1).request.partition(b"\r\n\r\n")
    assert 600 < len(body) < 680
