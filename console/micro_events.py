"""Events in the shapes of Snowplow Micro's REST API: good ones, bad ones, and flat ones.

Rows of `run_events` or of `events` and `rejected_events` in, JSON objects out; pure.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

Row = Mapping[str, Any]

_VENDOR = "funnelhouse"
_API = {"vendor": "com.segment", "version": "v1"}
_TYPES = {"page_viewed": ("page_view", "pv"), "screen_viewed": ("screen_view", "ue")}


def schema_of(row: Row) -> str:
    """Name an event's schema as an Iglu URI."""
    return _uri(str(row["event_name"]), str(row["schema_version"]) or "1-0-0")


def _uri(name: str, version: str = "1-0-0") -> str:
    return f"iglu:{_VENDOR}/{name}/jsonschema/{version}"


def good_event(row: Row) -> dict[str, Any]:
    """Write an accepted event as /micro/good gives it."""
    call = _object(row["payload"])
    kind, _ = _TYPES.get(str(row["event_name"]), ("unstruct", "ue"))
    return {
        "rawEvent": _raw_event(row, call),
        "eventType": kind,
        "schema": schema_of(row),
        "contexts": _contexts(call),
        "event": flat_event(row),
    }


def bad_event(row: Row) -> dict[str, Any]:
    """Write a rejected event as /micro/bad gives it."""
    call = _object(row["payload"])
    return {
        "collectorPayload": {
            "api": _API,
            "querystring": [],
            "contentType": "application/json",
            "body": row["payload"],
            "source": _source(row),
            "context": _request(row),
        },
        "rawEvent": _raw_event(row, call) if call else None,
        "errors": [f"{row['reason']} at {row['path']}: {row['detail']}"],
    }


def flat_event(row: Row) -> dict[str, Any]:
    """Write an event with the columns of Snowplow's canonical event, as far as it has them."""
    call = _object(row["payload"])
    kind, _ = _TYPES.get(str(row["event_name"]), ("unstruct", "ue"))
    version = str(row["schema_version"]) or "1-0-0"
    data = {"schema": schema_of(row), "data": _object(row["properties"])}
    return {
        "app_id": row["source"],
        "platform": "srv" if row["server"] else "web",
        "collector_tstamp": _time(row["received_at"]),
        "derived_tstamp": _time(row["event_time"]),
        "event": kind,
        "event_id": str(row["event_id"]),
        "event_vendor": _VENDOR,
        "event_name": row["event_name"],
        "event_format": "jsonschema",
        "event_version": version,
        "name_tracker": row["library"],
        "user_id": row["user_id"] or call.get("userId"),
        "domain_userid": row["anonymous_id"] or call.get("anonymousId"),
        "domain_sessionid": row["session_id"] or None,
        "page_url": row["page_url"] or None,
        "page_urlhost": row["page_host"] or None,
        "page_urlpath": row["page_path"] or None,
        "page_title": row["page_title"] or None,
        "page_referrer": row["referrer_url"] or None,
        "mkt_source": row["utm_source"] or None,
        "mkt_medium": row["utm_medium"] or None,
        "mkt_campaign": row["utm_campaign"] or None,
        "useragent": row["user_agent"] or None,
        "contexts": {
            "schema": _uri("contexts"),
            "data": [
                {"schema": _uri(name), "data": value} for name, value in _context(call).items()
            ],
        },
        "unstruct_event": {"schema": _uri("unstruct_event"), "data": data},
    }


def is_wanted_good(event: Mapping[str, Any], filters: Mapping[str, Any]) -> bool:
    """Say whether an event has the type, the schema and all the contexts that a filter names."""
    contexts = filters.get("contexts") or []
    return (
        filters.get("event_type") in (None, event["eventType"])
        and filters.get("schema") in (None, event["schema"])
        and set(contexts) <= set(event["contexts"])
    )


def is_wanted_bad(event: Mapping[str, Any], filters: Mapping[str, Any]) -> bool:
    """Say whether an event came by the vendor and version of the protocol that a filter names."""
    api = event["collectorPayload"]["api"]
    return all(filters.get(name) in (None, api[name]) for name in ("vendor", "version"))


def has_columns(event: Mapping[str, Any], filters: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether each column that filters name holds its value, in any case of letters."""
    return all(
        str(one.get("value", "")).lower() in str(event.get(str(one.get("column")), "")).lower()
        for one in filters
    )


def _raw_event(row: Row, call: Mapping[str, Any]) -> dict[str, Any]:
    _, kind = _TYPES.get(str(row["event_name"]), ("unstruct", "ue"))
    parameters: dict[str, Any] = {
        "e": kind,
        "eid": str(row["event_id"]),
        "aid": row["source"],
        "p": "srv" if row["server"] else "web",
        "duid": row["anonymous_id"] or call.get("anonymousId"),
        "uid": row["user_id"] or call.get("userId"),
        "sid": row["session_id"],
        "url": row["page_url"],
        "refr": row["referrer_url"],
        "page": row["page_title"],
        "tv": row["library"],
        "lang": row["locale"],
    }
    if kind == "ue":
        data = {"schema": schema_of(row), "data": _properties(row, call)}
        told = {"schema": _uri("unstruct_event"), "data": data}
        parameters["ue_pr"] = orjson.dumps(told).decode()
    return {
        "api": _API,
        "parameters": {name: str(value) for name, value in parameters.items() if value},
        "contentType": "application/json",
        "source": _source(row),
        "context": _request(row),
    }


def _properties(row: Row, call: Mapping[str, Any]) -> Any:
    return _object(row["properties"]) or call.get("properties") or call.get("traits") or {}


def _source(row: Row) -> dict[str, Any]:
    return {"name": f"{_VENDOR}-{row['source']}", "encoding": "UTF-8", "hostname": None}


def _request(row: Row) -> dict[str, Any]:
    return {
        "timestamp": _time(row["received_at"]),
        "ipAddress": row["ip"] or None,
        "useragent": row["user_agent"] or None,
        "refererUri": row["page_url"] or None,
        "headers": [],
        "userId": None,
    }


def _contexts(call: Mapping[str, Any]) -> list[str]:
    return [_uri(name) for name in _context(call)]


def _context(call: Mapping[str, Any]) -> dict[str, Any]:
    context = call.get("context")
    return context if isinstance(context, dict) else {}


def _object(text: Any) -> dict[str, Any]:
    try:
        value = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _time(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"
