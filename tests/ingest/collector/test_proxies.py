import pytest

from funnelhouse.ingest.collector.http import Head
from funnelhouse.ingest.collector.proxies import Proxies

PROXY = "192.0.2.1"


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "visitor"),
    [
        ("", PROXY, ["203.0.113.7"], PROXY),
        (PROXY, "198.51.100.1", ["203.0.113.7"], "198.51.100.1"),
        (PROXY, PROXY, [], PROXY),
        (PROXY, PROXY, ["203.0.113.7"], "203.0.113.7"),
        (PROXY, PROXY, ["203.0.113.66, 203.0.113.7"], "203.0.113.7"),
        (PROXY, PROXY, ["203.0.113.66", "203.0.113.7"], "203.0.113.7"),
        ("192.0.2.0/24", PROXY, ["203.0.113.7, 192.0.2.9"], "203.0.113.7"),
        ("198.51.100.1, 192.0.2.1", PROXY, ["2001:db8::7"], "2001:db8::7"),
        ("*", "198.51.100.1", ["203.0.113.7, 192.0.2.9"], "203.0.113.7"),
        ("*", "", ["203.0.113.7"], "203.0.113.7"),
    ],
)
def test_visitor(trusted: str, peer: str, forwarded: list[str], visitor: str) -> None:
    """The visitor is the nearest address that is no trusted proxy, however many headers say so."""
    headers = [(b"host", b"a"), *((b"x-forwarded-for", value.encode()) for value in forwarded)]
    head = Head(headers, b"", (peer, 1) if peer else None)
    assert Proxies(trusted).visitor(head.ip, head.forwarded_for) == visitor
