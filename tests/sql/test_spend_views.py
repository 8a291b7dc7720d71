"""What ads cost and what came in: known figures, and random histories against a plain reference."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from funnelhouse.processes.jobs import JOBS
from tests.conftest import PreparedWarehouse
from tests.sql.history import ARRANGED, ARRANGEMENTS, READS, Road, Told, bring, rule, spend_rows

MONEY = READS | {"amount": "amount"}


def funnel(name: str) -> list[Any]:
    """Return a funnel of the product with a lead and both measures of money."""
    measure: dict[str, Any] = {
        "kind": "measure",
        "reenter": "always",
        "reads": MONEY,
        "funnel": name,
    }
    return [
        rule(1, "applied", funnel=name),
        rule(2, "passed", lead=True, funnel=name),
        rule(0, "revenue", "paid", **measure),
        rule(0, "refund", "refunded", **measure),
    ]


@pytest.fixture(scope="module", autouse=True)
def _two_funnels(warehouse: PreparedWarehouse) -> None:
    """Let two funnels of one product take the same events."""
    warehouse.empty()
    bring(warehouse.client, [*funnel("course"), *funnel("again")])


@pytest.fixture
def road(warehouse: PreparedWarehouse, tmp_path: Path) -> Road:
    """Give a way into the warehouse, which is empty."""
    warehouse.empty()
    return Road(warehouse.place, tmp_path)


def spend(warehouse: PreparedWarehouse, *rows: Sequence[Any]) -> None:
    """Import lines of track, channel, first day, last day and amount."""
    JOBS["spend"](warehouse.client, spend_rows([("camp", *row) for row in rows]))


def shown(warehouse: PreparedWarehouse, columns: str, view: str = "spend_weekly") -> list[Any]:
    """Read columns of a view, sorted."""
    text = f"SELECT {columns} FROM {view} ORDER BY ALL"
    return list(warehouse.client.query(text).result_rows)


WEEK = date(2024, 7, 29)


@pytest.mark.parametrize("day", ["2024-07-29 00:00:00", "2024-08-04 23:59:59.999999"])
def test_lac_of_the_meeting(warehouse: PreparedWarehouse, road: Road, day: str) -> None:
    """20,388,348 KRW over 65 document passes are 313,667 KRW a lead, from Monday to Sunday."""
    spend(warehouse, ("kotlin", "meta", WEEK, date(2024, 8, 4), "20388348"))
    server: dict[str, Any] = {"name": "passed", "at": day, "server": True}
    road.load([[Told(id=n, came=n, user=f"user-{n}", **server) for n in range(65)]])
    lac = "any(week), sum(leads), round(sum(ad_spend) / sum(leads))"
    assert shown(warehouse, lac) == [(WEEK, 65, 313667.0)]
    lead = "lead AND funnel = 'course'"
    cost = f"any(week), sumIf(entries, {lead}), round(sumIf(ad_spend, {lead}) / 65)"
    assert shown(warehouse, cost, "stage_costs_weekly") == [(WEEK, 65, 313667.0)]


HISTORY = [
    [
        Told(id=1, came=0, name="applied", anonymous="a", query={"utm_medium": "cpc"}),
        Told(id=2, came=1, name="passed", user="kim", at="2024-08-06 09:00:00", server=True),
        Told(id=3, came=2, name="paid", anonymous="a", properties={"amount": 300}),
        # a copy that says something else
        Told(id=3, came=3, name="paid", anonymous="a", properties={"amount": 999}),
    ],
    [
        # the device was kim's all along: two payments of one person
        Told(id=4, came=4, name="applied", user="kim", anonymous="a", at="2024-08-07 09:00:00"),
        Told(
            id=5,
            came=5,
            name="paid",
            user="kim",
            at="2024-08-13 09:00:00",
            server=True,
            properties={"amount": 200.5},
        ),
        # a week late
        Told(
            id=6,
            came=6,
            name="refunded",
            user="kim",
            at="2024-08-06 09:00:00",
            server=True,
            properties={"amount": 100},
        ),
    ],
]


@pytest.mark.parametrize("arrangement", ARRANGED)
def test_each_event_counts_once(warehouse: PreparedWarehouse, road: Road, arrangement: str) -> None:
    """Two funnels, a copy, a late refund and a device that proves to be a user's change no sum."""
    spend(warehouse, ("kotlin", "direct", date(2024, 8, 5), date(2024, 8, 11), "600"))
    road.load(ARRANGEMENTS[arrangement](HISTORY))
    columns = "channel, week, ad_spend, leads, lac, first_payments, cac, revenue, refunds, roas"
    first, second = date(2024, 8, 5), date(2024, 8, 12)
    assert [tuple(map(plain, row)) for row in shown(warehouse, columns)] == [
        ("direct", first, 600.0, 1, 600.0, 1, 600.0, 300.0, 100.0, 0.5),
        ("direct", second, 0.0, 0, None, 0, None, 200.5, 0.0, None),
    ]


def plain(value: Any) -> Any:
    """Return money as a float."""
    return value if value is None or isinstance(value, str | date) else float(value)


DAYS = [f"2024-08-{day:02} {time}" for day in (4, 5, 11, 12) for time in ("00:00:00", "23:59:59")]
EVENTS: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    id=st.integers(1, 40),
    name=st.sampled_from(["applied", "passed", "passed", "paid", "paid", "refunded"]),
    at=st.sampled_from(DAYS),
    user=st.sampled_from(["kim", "lee", "park"]),
    track=st.sampled_from(["kotlin", "node"]),
    query=st.sampled_from([{}, {"utm_source": "naver", "utm_medium": "cpc"}]),
    amount=st.integers(1, 5),
)
SPENT = st.dictionaries(
    st.tuples(
        st.sampled_from(["kotlin", "ios"]),
        st.sampled_from(["direct", "paid_search"]),
        st.sampled_from([date(2024, 8, 4), date(2024, 8, 5), date(2024, 8, 18)]),
    ),
    st.integers(1, 9),
)


def monday(at: date) -> date:
    """Return the first day of a day's week."""
    return at - timedelta(days=at.weekday())


def reference(told: list[Told], spent: dict[tuple[str, str, date], int]) -> dict[Any, list[int]]:
    """Add up by track, channel and week: spend, leads, first payments, revenue and refunds."""
    sums: dict[Any, list[int]] = defaultdict(lambda: [0] * 5)
    for (track, channel, day), amount in spent.items():
        sums[track, channel, monday(day)][0] += amount
    first: dict[int, Told] = {}
    for copy in told:
        first.setdefault(copy.id, copy)
    seen: set[tuple[str, ...]] = set()
    for one in sorted(first.values(), key=lambda one: (one.at, one.event_id.int)):
        channel = "paid_search" if one.query else "direct"
        sum_ = sums[one.track, channel, monday(datetime.fromisoformat(one.at).date())]
        amount = one.properties["amount"]
        if one.name == "passed" and (one.user, one.track) not in seen:
            sum_[1] += 1
            seen.add((one.user, one.track))
        if one.name == "paid":
            sum_[2] += (one.user,) not in seen
            sum_[3] += amount
            seen.add((one.user,))
        if one.name == "refunded":
            sum_[4] += amount
    return {key: sum_ for key, sum_ in sums.items() if any(sum_)}


@pytest.mark.usefixtures("rounds")
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(EVENTS, min_size=1, max_size=60), SPENT, st.randoms())
def test_spend_agrees_with_a_plain_reference(
    warehouse: PreparedWarehouse,
    road: Road,
    events: list[dict[str, Any]],
    spent: dict[tuple[str, str, date], int],
    chance: Any,
) -> None:
    """Whatever came in whatever order, leads, customers, money and spend meet in their weeks."""
    warehouse.empty()
    told = [
        Told(came=came, properties={"amount": one.pop("amount")}, **one)
        for came, one in enumerate(events)
    ]
    if spent:
        spend(warehouse, *(((*key, key[2], amount)) for key, amount in spent.items()))
    mixed = [replace(one) for one in told]
    chance.shuffle(mixed)
    road.load([mixed])
    columns = "track, channel, week, ad_spend, leads, first_payments, revenue, refunds"
    found = {tuple(row[:3]): [int(value) for value in row[3:]] for row in shown(warehouse, columns)}
    assert {key: sum_ for key, sum_ in found.items() if any(sum_)} == reference(told, spent)
