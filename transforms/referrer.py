"""Owns the channel of a visit: how somebody came to a page, told by campaign, click id, referrer.

The senders it knows stand in `channels.yaml`, one a line.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import yaml

from funnelhouse.transforms.campaign import Campaign
from funnelhouse.transforms.page import registrable_domain, split_page

Channel = Literal[
    "direct",
    "organic_search",
    "paid_search",
    "paid_social",
    "organic_social",
    "video",
    "messenger",
    "email",
    "crm",
    "referral",
    "internal",
]

_TABLES = yaml.safe_load(Path(__file__).with_name("channels.yaml").read_text("utf-8"))
_HOSTS: dict[str, tuple[str, str]] = {host: (s, k) for host, (s, k) in _TABLES["hosts"].items()}
_CLICK_IDS: dict[str, tuple[str, Channel]] = {
    parameter: (source, channel) for parameter, (source, channel) in _TABLES["click_ids"].items()
}
_KIND_OF_SOURCE: dict[str, str] = dict(_HOSTS.values()) | _TABLES["sources"]

_UNPAID: dict[str, Channel] = {
    "search": "organic_search",
    "social": "organic_social",
    "video": "video",
    "messenger": "messenger",
    "email": "email",
    "referral": "referral",
}
_PAID: dict[str, Channel] = {
    "search": "paid_search",
    "social": "paid_social",
    "video": "video",
    "messenger": "paid_social",
}
# Words of utm_medium: those of GA4's default channel group, then those of Korean practice.
_PAID_MEDIUM = re.compile(
    r".*cp.*|ppc|retargeting|paid.*|display|banner|expandable|interstitial"
    r"|(?:.*[-_ ])?ads?|da|sa|gdn|gfa"
)
_UNPAID_MEDIUMS: tuple[tuple[Channel, re.Pattern[str]], ...] = (
    (
        "crm",
        re.compile(
            r"[slm]ms|rcs|crm|.*push|.*notification.*|kakao(?:[-_ ]?talk)?"
            r"|(?:kakao[-_ ]?)?(?:alim|friend|brand)[-_ ]?(?:talk|message)|알림톡|친구톡|문자"
        ),
    ),
    ("email", re.compile(r"e[-_ ]?mail|mail|(?:news)?letter|edm|이메일|뉴스레터")),
    ("organic_social", re.compile(r".*social.*|sm|sns|blog|cafe|community")),
    ("video", re.compile(r".*video.*")),
    ("messenger", re.compile(r"messenger|chat|dm")),
)
# Words of utm_source that name a way of sending rather than a sender.
_SENDING_SOURCES: dict[str, Channel] = {
    "sms": "crm",
    "lms": "crm",
    "crm": "crm",
    "push": "crm",
    "email": "email",
    "e-mail": "email",
    "newsletter": "email",
}
_DIRECT_SOURCES = frozenset({"direct", "(direct)"})
_DIRECT_MEDIUMS = frozenset({"", "none", "(none)", "(not set)"})
_SEARCH_MEDIUMS = frozenset({"cpc", "ppc", "sa"})
_LONGEST_HOST = 253  # RFC 1035, 2.3.4


class Referral(NamedTuple):
    """How a visit came: its channel, and the referring host and service ("" where unknown)."""

    channel: Channel
    referrer_host: str
    referrer_source: str


def channel(page_host: str, referrer: str, campaign: Campaign) -> Referral:
    """The channel of a visit to `page_host` from the URL `referrer` with `campaign` in its link.

    In the manner of GA4's default channel group (Google Analytics help, 9756891), cut down to
    the channels above: utm_source and utm_medium decide before a click id, and that before the
    referrer. A referrer of the same registrable domain is internal unless a campaign decides; none
    is direct; one of no table is a referral. Advertising on unknown media is paid_search where
    the medium is a search advertiser's word, else paid_social.

    `referrer_source` is the known name of the referring host, else its registrable domain, else
    the network of the click id; "" for direct and internal visits.
    """
    host = split_page(referrer).host
    by_referrer, source = _read_host(host, page_host)
    by_click_id = _CLICK_IDS.get(campaign.click_id_kind)
    if by_click_id and not source:
        source = by_click_id[0]
    if campaign.source or campaign.medium:
        return Referral(_by_utm(campaign.source, campaign.medium), host, source)
    return Referral(by_click_id[1] if by_click_id else by_referrer, host, source)


def _read_host(host: str, page_host: str) -> tuple[Channel, str]:
    if not host:
        return "direct", ""
    if registrable_domain(host) == registrable_domain(page_host):
        return "internal", ""
    sender = _sender(host) if len(host) <= _LONGEST_HOST else None
    if sender is None:
        return "referral", registrable_domain(host)
    source, kind = sender
    return _UNPAID[kind], source


@lru_cache(maxsize=4_096)
def _sender(host: str) -> tuple[str, str] | None:
    """The source and the kind of the longest entry that the host is, or lies below."""
    labels = host.split(".")
    for start in range(len(labels)):
        if sender := _HOSTS.get(".".join(labels[start:])):
            return sender
    return _HOSTS.get(registrable_domain(host).partition(".")[0] + ".*")


def _by_utm(utm_source: str, utm_medium: str) -> Channel:
    source, medium = utm_source.lower(), utm_medium.lower()
    if source in _DIRECT_SOURCES and medium in _DIRECT_MEDIUMS:
        return "direct"
    kind = _kind(source)
    if _PAID_MEDIUM.fullmatch(medium):
        return _paid(kind, medium)
    for by_medium, words in _UNPAID_MEDIUMS:
        if words.fullmatch(medium):
            return by_medium
    otherwise: Channel = "organic_search" if medium == "organic" else "referral"
    return _SENDING_SOURCES.get(source) or _UNPAID.get(kind, otherwise)


def _kind(source: str) -> str:
    if "." in source and len(source) <= _LONGEST_HOST:
        sender = _sender(source)
        return sender[1] if sender else ""
    return _KIND_OF_SOURCE.get(source, "")


def _paid(kind: str, medium: str) -> Channel:
    for named in ("social", "search", "video"):
        if named in medium:
            return _PAID[named]
    return _PAID.get(kind) or ("paid_search" if medium in _SEARCH_MEDIUMS else "paid_social")
