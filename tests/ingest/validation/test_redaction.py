"""Addresses that servers pass on in the context of a visitor's call."""

from functools import cache

import orjson
import pytest

from funnelhouse.ingest.log.row import Row
from funnelhouse.ingest.validation.event import Envelope, Origin, RawEvent
from funnelhouse.ingest.validation.limits import Limits
from funnelhouse.ingest.validation.pending_event import Rules
from funnelhouse.ingest.validation.pipeline import Pipeline
from funnelhouse.schemas.registry import Plan, load_plan
from funnelhouse.settings import SHIPPED_PLAN

SERVER = Origin("backend", server=True, ip="203.0.113.0")


@cache
def plan() -> Plan:
    """The shipped plan, loaded once."""
    return load_plan(SHIPPED_PLAN)


def row(context: object, *, mask_ip: bool = True) -> Row:
    """The row of one server's call with this context."""
    call = {
        "type": "track",
        "event": "Slack Joined",
        "userId": "u-1",
        "properties": {"product": "nbcamp"},
        "context": context,
    }
    envelope = Envelope("k", None, [RawEvent(call, orjson.dumps(call))])
    rules = Rules(plan(), Limits(), b"secret", mask_ip=mask_ip)
    return Pipeline(rules).admit(envelope, SERVER).rows[0]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("198.51.100.23", "198.51.100.0"), ("2001:db8:1:2::3", "2001:db8:1::"), ("nonsense", "")],
)
def test_an_address_passed_on_is_masked_in_column_and_text(sent: str, kept: str) -> None:
    """The visitor's address takes the place of the server's, masked wherever it stands."""
    written = row({"ip": sent})
    assert written.ip == kept
    assert orjson.loads(written.payload)["context"]["ip"] == kept


def test_without_one_the_request_s_address_stands() -> None:
    """A call that passes no address on, or no text, has the sender's."""
    assert (row({}).ip, row({"ip": 7}).ip) == ("203.0.113.0", "203.0.113.0")


def test_masking_can_be_turned_off() -> None:
    """With masking off the address stands as it was sent."""
    written = row({"ip": "198.51.100.23"}, mask_ip=False)
    assert (written.ip, b"198.51.100.23" in written.payload) == ("198.51.100.23", True)
