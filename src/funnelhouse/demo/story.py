"""The example: three weeks of a Kotlin bootcamp track, as the events and the ad spend behind them.

The applicants are invented, their numbers are a real track's weekly sheet. Every id is derived
from the applicant, so that sending the story again adds nothing.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

PRODUCT = "nbcamp"
TRACK = "kotlin"
COHORT = "kotlin_1"
_KST = timedelta(hours=9)
_WEEK_S = 7 * 24 * 3600
_LANDING_PER_APPLICANT = 12
_CTA_PER_APPLICANT = 3
_SITE = "https://nbcamp.example/kotlin"
_ARRIVALS = (
    ("", ""),
    ("?utm_source=naver&utm_medium=cpc&utm_campaign=kotlin_0729", "https://search.naver.com/"),
    ("?utm_source=instagram&utm_medium=paid_social&utm_campaign=kotlin_0729", ""),
    ("", "https://www.google.com/"),
    ("?utm_source=youtube&utm_medium=video", "https://www.youtube.com/"),
    ("?utm_source=crm&utm_medium=kakao&utm_campaign=remind", ""),
)
_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_DEVICES = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/127.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Chrome/127.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 14; SM-S921N) {_WEBKIT} SamsungBrowser/25.0 Mobile Safari/537.36",
)


@dataclass(frozen=True, slots=True)
class Week:
    """One week of the sheet: its Monday, its spend in KRW, and how many reached each stage."""

    monday: date
    spend_krw: int
    applied: int
    passed: int
    slack: int
    registered: int
    withdrawn: int


WEEKS = (
    Week(date(2024, 7, 29), 20_388_348, 113, 65, 33, 16, 1),
    Week(date(2024, 8, 5), 12_030_052, 41, 30, 18, 15, 0),
    Week(date(2024, 8, 12), 4_320_295, 12, 12, 8, 8, 0),
)


def browser_calls() -> Iterator[dict[str, Any]]:
    """Yield what visitors' browsers send: landing views, CTA clicks and applications."""
    for week in WEEKS:
        for number in range(week.applied * _LANDING_PER_APPLICANT):
            yield from _visit(week, number)


def server_calls() -> Iterator[dict[str, Any]]:
    """Yield what the application's server sends hours and days later, about users."""
    for week in WEEKS:
        for number in range(week.passed):
            yield from _progress(week, number)


def spend_rows() -> list[dict[str, str]]:
    """Return the ad spend as rows of an import, one a week."""
    return [
        {
            "product": PRODUCT,
            "track": TRACK,
            "channel": "all",
            "period_start": week.monday.isoformat(),
            "period_end": (week.monday + timedelta(days=6)).isoformat(),
            "amount": str(week.spend_krw),
        }
        for week in WEEKS
    ]


def _visit(week: Week, number: int) -> Iterator[dict[str, Any]]:
    moments = _moments(week, number)
    visitor = {"anonymousId": _id(week, number, "device"), "context": _context(number)}
    shared = {"product": PRODUCT, "track": TRACK}
    yield {
        **visitor,
        "type": "page",
        "name": "Kotlin landing",
        "messageId": _id(week, number, "landing"),
        "timestamp": moments[0],
        "properties": shared,
    }
    if number < week.applied * _CTA_PER_APPLICANT:
        properties = {"cta_id": "apply", "label": "지금 지원하기", "position": "hero", **shared}
        yield {**visitor, **_track(week, number, "CTA Clicked", moments[1], properties)}
    if number < week.applied:
        applied = _track(
            week, number, "First Application Submitted", moments[2], {**shared, "cohort": COHORT}
        )
        yield {**visitor, **applied, "userId": _user(week, number)}


def _progress(week: Week, number: int) -> Iterator[dict[str, Any]]:
    moments = _moments(week, number)
    shared = {"product": PRODUCT, "track": TRACK, "cohort": COHORT}
    payment = {"order_id": _id(week, number, "order"), "amount": 300_000, "currency": "KRW"}
    reached: tuple[tuple[int, str, dict[str, Any]], ...] = (
        (week.passed, "Document Passed", {}),
        (week.slack, "Slack Joined", {}),
        (week.registered, "Payment Completed", payment),
        (week.withdrawn, "Withdrawn", {"stage": "registered", "reason": "schedule"}),
    )
    for (people, event, own), moment in zip(reached, moments[3:], strict=True):
        if number < people:
            call = _track(week, number, event, moment, {**shared, **own})
            yield {**call, "userId": _user(week, number)}


def _track(
    week: Week, number: int, event: str, moment: str, properties: dict[str, Any]
) -> dict[str, Any]:
    return {
        "type": "track",
        "event": event,
        "messageId": _id(week, number, event),
        "timestamp": moment,
        "properties": properties,
    }


def _moments(week: Week, number: int) -> list[str]:
    """Return seven rising times of the week in Seoul, the same at each call."""
    chance = random.Random(f"{week.monday}/{number}")  # noqa: S311 - a story, not a secret
    start = datetime(week.monday.year, week.monday.month, week.monday.day, tzinfo=UTC) - _KST
    seconds = sorted(chance.random() * _WEEK_S for _ in range(7))
    return [
        (start + timedelta(seconds=second)).isoformat(timespec="milliseconds") for second in seconds
    ]


def _context(number: int) -> dict[str, Any]:
    query, referrer = _ARRIVALS[number % len(_ARRIVALS)]
    return {
        "page": {"url": _SITE + query, "referrer": referrer, "title": "Kotlin"},
        "userAgent": _DEVICES[number % len(_DEVICES)],
        "locale": "ko-KR",
    }


def _user(week: Week, number: int) -> str:
    return f"applicant-{week.monday:%m%d}-{number:03d}"


def _id(week: Week, number: int, what: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"funnelhouse:demo/{week.monday}/{number}/{what}"))
