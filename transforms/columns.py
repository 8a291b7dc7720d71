"""Columns of an event that can be derived from what was sent: person, page, campaign, device.

Pure: an event's text in, its `EventFields` out; its context and its request in, their
`RequestFacts` out.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from funnelhouse.transforms.bot import is_bot
from funnelhouse.transforms.campaign import merge_campaign, read_campaign
from funnelhouse.transforms.device import read_device
from funnelhouse.transforms.page import split_page
from funnelhouse.transforms.referrer import channel


class EventFields(NamedTuple):
    """What is an event's own, "" where absent; `context` is its JSON text, b"" for none.

    `page` is the properties' text of a page call whose context tells of no page.
    """

    anonymous_id: str
    user_id: str
    properties: bytes
    context: bytes
    page: bytes


class RequestFacts(NamedTuple):
    """What a context and a request say; the names are the warehouse's columns, "" where absent."""

    session_id: str
    page_url: str
    page_host: str
    page_path: str
    page_query: str
    page_title: str
    referrer_url: str
    referrer_host: str
    referrer_source: str
    channel: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_term: str
    utm_content: str
    utm_id: str
    click_id: str
    click_id_kind: str
    device_class: str
    os: str
    os_version: str
    browser: str
    browser_version: str
    is_bot: bool
    user_agent: str
    locale: str
    client_timezone: str
    library: str
    release: str


class EventContext(NamedTuple):
    """A context as it was sent, and the facts of the request that brought it.

    `properties` stand in for the context's page, `page` (the Referer) for both.
    """

    context: bytes
    properties: bytes
    server: bool
    user_agent: str
    page: str


class _Payload(msgspec.Struct):
    anonymousId: Any = None  # noqa: N815 - the protocol's names
    userId: Any = None  # noqa: N815
    name: msgspec.Raw = msgspec.Raw()
    category: msgspec.Raw = msgspec.Raw()
    properties: msgspec.Raw = msgspec.Raw()
    traits: msgspec.Raw = msgspec.Raw()
    context: msgspec.Raw = msgspec.Raw()


class _Context(msgspec.Struct):
    page: Any = None
    campaign: Any = None
    library: Any = None
    app: Any = None
    sessionId: Any = None  # noqa: N815
    session_id: Any = None
    userAgent: Any = None  # noqa: N815
    locale: Any = None
    timezone: Any = None


_payload = msgspec.json.Decoder(_Payload)
_context = msgspec.json.Decoder(_Context)
_plain = msgspec.json.Decoder(dict[str, Any])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TRAITS_CALLS = frozenset({"identify", "group"})
_NAMED_CALLS = frozenset({"page", "screen"})


def read_call(payload: bytes, event_type: str) -> EventFields:
    """Read an event's own columns; total over every payload that the pipeline accepts.

    Properties are the exact text sent (of identify and group calls the traits); a page call's name
    and category stand among them.
    """
    call = _payload.decode(payload)
    properties = _properties(call, event_type)
    context = _sent(call.context)
    own_page = event_type == "page" and b'"page"' not in context
    return EventFields(
        _text(call.anonymousId),
        _text(call.userId),
        properties,
        context,
        properties if own_page else b"",
    )


def read_surroundings(around: EventContext) -> RequestFacts:
    """Derive the columns that every event with this context and request shares.

    A server's user agent says nothing of a person's device, and a server is never a bot.
    """
    context = _context.decode(around.context) if around.context else _Context()
    page: dict[str, Any] = context.page if type(context.page) is dict else {}
    if around.properties:
        page = _plain.decode(around.properties)
    url = _text(page.get("url")) or around.page
    user_agent = _text(context.userAgent) or ("" if around.server else around.user_agent)
    return RequestFacts._make(
        (
            _text(context.session_id) or _text(context.sessionId),
            *_page_facts(url, _text(page.get("title"))),
            *_visit_facts(url, _text(page.get("referrer")), _campaign_key(context.campaign)),
            *_device_facts(user_agent, around.server),
            user_agent,
            _text(context.locale),
            _text(context.timezone),
            _library(context.library),
            _text(context.app.get("version")) if type(context.app) is dict else "",
        )
    )


def _sent(raw: msgspec.Raw) -> bytes:
    """Return the text of a value, b"" where it is null or absent."""
    text = bytes(raw)
    return b"" if text == b"null" else text


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) in {int, float}:
        return str(value)
    return ""


@lru_cache(maxsize=16_384)
def _page_facts(url: str, title: str) -> tuple[str, ...]:
    page = split_page(url)
    return (page.url, page.host, page.path, page.query, title)


@lru_cache(maxsize=16_384)
def _visit_facts(
    url: str, referrer: str, campaign_items: tuple[tuple[str, str], ...]
) -> tuple[str, ...]:
    page = split_page(url)
    campaign = merge_campaign(read_campaign(page.query), dict(campaign_items))
    referral = channel(page.host, referrer, campaign)
    return (referrer, referral.referrer_host, referral.referrer_source, referral.channel, *campaign)


@lru_cache(maxsize=16_384)
def _device_facts(user_agent: str, server: bool) -> tuple[str | bool, ...]:  # noqa: FBT001 - a key
    return (*read_device(user_agent), not server and is_bot(user_agent))


def _campaign_key(campaign: Any) -> tuple[tuple[str, str], ...]:
    if type(campaign) is not dict:
        return ()
    return tuple((key, value) for key, value in campaign.items() if type(value) is str)


def _library(library: Any) -> str:
    if type(library) is not dict:
        return ""
    return f"{_text(library.get('name'))} {_text(library.get('version'))}".strip()


def _properties(payload: _Payload, event_type: str) -> bytes:
    sent = payload.traits if event_type in _TRAITS_CALLS else payload.properties
    text = _sent(sent) or b"{}"
    if event_type not in _NAMED_CALLS:
        return text
    own = {"name": payload.name, "category": payload.category}
    own = {key: value for key, value in own.items() if _sent(value)}
    if not own:
        return text
    merged: dict[str, msgspec.Raw] = {**own, **_object.decode(text)}
    return msgspec.json.encode(merged)
