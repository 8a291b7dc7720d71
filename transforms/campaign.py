"""Owns campaign marks: utm parameters and advertisers' click ids, read from a page's query."""

from typing import Any, NamedTuple
from urllib.parse import unquote_plus

_UTM = {
    "utm_source": "source",
    "utm_medium": "medium",
    "utm_campaign": "name",
    "utm_term": "term",
    "utm_content": "content",
    "utm_id": "id",
}
# In order of trust, where a URL carries several: a sure sign of an advertisement comes first.
CLICK_IDS = (
    "gclid",  # Google Ads
    "gbraid",  # Google Ads, from an app on iOS
    "wbraid",  # Google Ads, from the web on iOS
    "dclid",  # Google Display & Video 360
    "msclkid",  # Microsoft Advertising
    "napm",  # Naver, NaPm=ct=..|ci=..|tr=sa for search and tr=gfa for display
    "ttclid",  # TikTok
    "twclid",  # X
    "li_fat_id",  # LinkedIn
    "rdt_cid",  # Reddit
    "n_ad",  # Naver search advertising's automatic tracking: the id of the advertisement
    "fbclid",  # Meta, on links of unpaid posts too
)
_LARGEST_NUMBER = 2**64
_WANTED = frozenset(_UTM) | frozenset(CLICK_IDS)


class Campaign(NamedTuple):
    """What a link says of its campaign, as sent; "" for what it does not say."""

    source: str = ""
    medium: str = ""
    name: str = ""
    term: str = ""
    content: str = ""
    id: str = ""
    click_id: str = ""
    click_id_kind: str = ""


NO_CAMPAIGN = Campaign()


def read_campaign(query: str) -> Campaign:
    """The campaign in a query string, with or without its leading "?".

    Keys are matched in any case; of a repeated key the first that is not blank counts. Values are
    percent-decoded as UTF-8 with + as blank, trimmed, and otherwise as sent. `click_id_kind` is
    the lower-case name of the parameter that `click_id` came from.
    """
    found: dict[str, str] = {}
    for pair in query.removeprefix("?").split("&"):
        key, _, value = pair.partition("=")
        # Links copied out of HTML say &amp; for &.
        key = (unquote_plus(key) if "%" in key else key).lower().removeprefix("amp;")
        if key in _WANTED and not found.get(key):
            found[key] = unquote_plus(value).strip()
    if not any(found.values()):
        return NO_CAMPAIGN
    utm = {field: found.get(key, "") for key, field in _UTM.items()}
    kind = next((kind for kind in CLICK_IDS if found.get(kind)), "")
    return Campaign(**utm, click_id=found.get(kind, ""), click_id_kind=kind)


def merge_campaign(from_query: Campaign, context_campaign: object) -> Campaign:
    """The campaign of the query, and of Segment's `context.campaign` what the query lacks.

    Fields of the object are name, source, medium, term, content and id (Segment, "Common
    fields"); anything but text or a whole number there is left out.
    """
    if not isinstance(context_campaign, dict):
        return from_query
    given = {field: _text(context_campaign.get(field)) for field in _UTM.values()}
    return from_query._replace(
        **{field: text for field, text in given.items() if text and not getattr(from_query, field)}
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST_NUMBER:
        return str(value)
    return ""
