"""A visitor's story over HTTP: a Div of the landing page, the guide without login, a payment."""

from random import Random
from typing import Any

import pytest

from tests.conftest import RunningProduct

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36"
)
LANDING = "https://nbcamp.example/kotlin"
GUIDE = "https://nbcamp.oopy.io/guide"
APPLY = "https://nbcamp.example/apply"
COURSE = {"product": "nbcamp", "track": "kotlin"}
ASKED = "funnel = 'bootcamp_short', first_day = '2024-08-01', last_day = '2024-08-31'"
VISITS, PAYMENTS = 8, 1
ORDERS = {
    "as it happened": list(range(9)),
    "the payment first": [8, *range(8)],
    "backwards and twice": [*range(8, -1, -1), *range(9)],
    "at random": Random(7).sample(range(9), 9),
}


def story(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Tell the story of one visitor as (write key, call): two sessions, then the server's word."""
    device, user = f"device-{name}", f"user-{name}"

    def call(n: int, at: str, **fields: Any) -> dict[str, Any]:
        plain = {"messageId": f"{name}-{n}", "timestamp": f"2024-08-{at}+09:00"}
        return plain | {"type": "track", "anonymousId": device} | fields

    def seen(url: str, session: str, referrer: str = "") -> dict[str, Any]:
        page = {"url": url, "referrer": referrer}
        return {"context": {"page": page, "sessionId": session, "userAgent": CHROME}}

    first, second = f"{name}-s1", f"{name}-s2"
    ad = f"{LANDING}?utm_source=google&utm_medium=cpc&utm_campaign=autumn"
    variant = {"experiment_id": "guide_div", "variation_id": "b"}
    section = {"section_id": "guide-div"} | COURSE
    guide, applied = {"guide_id": "kotlin"}, "First Application Submitted"
    web: list[dict[str, Any]] = [
        call(0, "05T10:00:00", type="page", properties=COURSE, **seen(ad, first)),
        call(1, "05T10:00:01", event="Experiment Viewed", properties=variant, **seen(ad, first)),
        call(2, "05T10:00:20", event="Section Viewed", properties=section, **seen(ad, first)),
        call(
            3,
            "05T10:01:00",
            event="Guide Opened",
            properties=guide,
            **seen(GUIDE, first, LANDING),
        ),
        call(4, "05T10:09:00", type="page", properties=COURSE, **seen(APPLY, first, GUIDE)),
        call(5, "06T21:00:00", type="page", properties=COURSE, **seen(APPLY, second)),
        call(6, "06T21:01:00", type="identify", userId=user, traits={}, **seen(APPLY, second)),
        call(
            7,
            "06T21:05:00",
            event=applied,
            userId=user,
            properties=COURSE,
            **seen(APPLY, second),
        ),
    ]
    paid = {"order_id": f"od-{name}", "amount": 100_001, "currency": "KRW"} | COURSE
    payment = call(8, "08T09:00:00", event="Payment Completed", userId=user, properties=paid)
    del payment["anonymousId"]
    return [("dev", one) for one in web] + [("app", payment)]


@pytest.fixture(scope="module")
def told(product: RunningProduct) -> RunningProduct:
    """Give the product when the story of each order has been told in it."""
    for number, order in enumerate(ORDERS.values()):
        calls = story(f"n{number}")
        for place in order:
            key, call = calls[place]
            answer = product.post("/v1/batch", {"writeKey": key, "batch": [call]})
            assert answer.json() == {"success": True}, answer.text
    refreshed = (
        "SELECT (SELECT sum(events) FROM sessions WHERE person_id LIKE 'user-n%') AS visits,"
        " (SELECT count() FROM stage_entries WHERE stage = 'revenue' AND person_id LIKE 'user-n%'"
        " AND funnel = 'bootcamp_short') AS payments"
    )
    expected = {"visits": VISITS * len(ORDERS), "payments": PAYMENTS * len(ORDERS)}
    product.wait_visible(
        lambda: {name: int(n) for name, n in product.sql(refreshed)[0].items()} == expected
    )
    return product


@pytest.mark.parametrize("number", range(len(ORDERS)), ids=list(ORDERS))
def test_the_payment_is_attributed_to_the_session_through_the_guide(
    told: RunningProduct, number: int
) -> None:
    """In whatever order it arrives: two touches in order, the first from the ad by the Div."""
    rows = told.sql(
        "SELECT session_id, channel, campaign, weight, toUInt32(amount_share) AS money, sections"
        f" FROM conversion_touchpoints({ASKED}, stage = 'revenue', lookback_days = 30,"
        " half_life_days = 7)"
        f" WHERE person_id = 'user-n{number}' AND model = 'linear' ORDER BY position"
    )
    assert [tuple(row.values()) for row in rows] == [
        (f"n{number}-s1", "paid_search", "autumn", 0.5, 50_001, ["guide-div"]),
        (f"n{number}-s2", "direct", "", 0.5, 50_000, []),
    ]


@pytest.mark.parametrize("number", range(len(ORDERS)), ids=list(ORDERS))
def test_the_session_across_hosts_is_one(told: RunningProduct, number: int) -> None:
    """Landing, guide and application page are one session, which knows the Div and the variant."""
    (row,) = told.sql(
        "SELECT person_id, entry_host, exit_host, exit_path, pages, variants_seen, guide_section,"
        f" guide_logged_in, logged_in FROM sessions WHERE session_id = 'n{number}-s1'"
    )
    assert row == {
        "person_id": f"user-n{number}",
        "entry_host": "nbcamp.example",
        "exit_host": "nbcamp.example",
        "exit_path": "/apply",
        "pages": 2,
        "variants_seen": ["guide_div:b"],
        "guide_section": "guide-div",
        "guide_logged_in": False,
        "logged_in": False,
    }


def test_the_guide_s_conversion_is_told_by_the_way_to_it(told: RunningProduct) -> None:
    """Sessions that came to the guide by the Div convert in three days or later, none at once."""
    (row,) = told.sql(
        "SELECT came_by, came_from, logged_in, toUInt32(sessions), toUInt32(converted_in_session),"
        " toUInt32(converted_within_3_days), toUInt32(converted_in_time)"
        f" FROM guide_conversion({ASKED}, stage = 'registered', within_days = 30)"
        " WHERE came_from = 'guide-div'"
    )
    assert list(row.values()) == ["section", "guide-div", False, 4, 0, 4, 4]
