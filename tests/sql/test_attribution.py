"""Conversions shared among sessions: hand-worked journeys, and random ones against a reference."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from funnelhouse.analysis.attribution import Period, compute_markov
from tests.conftest import PreparedWarehouse
from tests.sql.history import Road, Told, bring, rule

FUNNEL = (
    rule(1, "applied"),
    rule(2, "paid", reads={"track": "track", "amount": "amount"}),
)
PAID_AT = datetime.fromisoformat("2024-08-20 12:00:00")
HALF_LIFE_DAYS = 7
LOOKBACK_DAYS = 30
ASKED = (
    f"(funnel = 'course', stage = 'paid', first_day = '2024-08-01', last_day = '2024-08-31',"
    f" lookback_days = {LOOKBACK_DAYS}, half_life_days = {HALF_LIFE_DAYS})"
)
AUGUST = Period("course", "paid", date(2024, 8, 1), date(2024, 8, 31), LOOKBACK_DAYS)
SOURCES = {
    "direct": {},
    "paid_search": {"utm_source": "google", "utm_medium": "cpc"},
    "email": {"utm_source": "news", "utm_medium": "email"},
}


class Journey:
    """One person's visits, each (days before the payment, channel), and what they paid, if so."""

    def __init__(self, person: str, visits: list[tuple[float, str]], amount: int | None) -> None:
        self.person, self.visits, self.amount = person, visits, amount

    def told(self, first_id: int) -> list[Told]:
        """Tell the visits as page views and the payment as a server's event."""
        pages = [
            Told(
                id=first_id + n,
                came=first_id + n,
                name="page_viewed",
                at=str(PAID_AT - timedelta(days=days)),
                user=self.person,
                query=SOURCES[channel],
            )
            for n, (days, channel) in enumerate(self.visits, start=1)
        ]
        if self.amount is None:
            return pages
        paid = Told(
            id=first_id,
            came=first_id,
            name="paid",
            at=str(PAID_AT),
            user=self.person,
            server=True,
            properties={"amount": self.amount},
        )
        return [paid, *pages]

    def touches(self) -> list[tuple[float, str]]:
        """Give the visits within the lookback in order of time, or the one that nobody knows."""
        found = sorted((visit for visit in self.visits if visit[0] <= LOOKBACK_DAYS), reverse=True)
        return found or [(0, "unknown")]

    def weights(self) -> dict[str, list[float]]:
        """Give the weight of each touch under each model, by the definitions of the models."""
        touches = self.touches()
        count = len(touches)
        last = count - 1
        named = [n for n, (_, channel) in enumerate(touches) if channel != "direct"]
        decay = [2 ** (-days / HALF_LIFE_DAYS) for days, _ in touches]
        position = {1: [1.0], 2: [0.5, 0.5]}
        middle = [0.2 / (count - 2)] * (count - 2) if count > 2 else []
        return {
            "first_touch": [float(n == 0) for n in range(count)],
            "last_touch": [float(n == last) for n in range(count)],
            "last_non_direct": [float(n == (named or [last])[-1]) for n in range(count)],
            "linear": [1 / count] * count,
            "position_based": position.get(count, [0.4, *middle, 0.4]),
            "time_decay": [part / sum(decay) for part in decay],
        }


@pytest.fixture(autouse=True)
def _course(warehouse: PreparedWarehouse) -> None:
    warehouse.empty()
    bring(warehouse.client, FUNNEL)


def load(warehouse: PreparedWarehouse, folder: Path, journeys: list[Journey]) -> None:
    """Load all journeys at once."""
    told = [one for n, journey in enumerate(journeys) for one in journey.told(100 * n + 1)]
    Road(warehouse.place, folder).load([told])


def shares(warehouse: PreparedWarehouse) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """Read by person and model the channel, weight and money of each touch in order."""
    rows = warehouse.client.query(
        "SELECT person_id, model, channel, weight, amount_share"
        f" FROM conversion_touchpoints{ASKED} ORDER BY person_id, model, position"
    ).result_rows
    found: dict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for person, model, *share in rows:
        found[person, model].append(tuple(share))
    return found


def test_a_hand_worked_journey(warehouse: PreparedWarehouse, tmp_path: Path) -> None:
    """Three visits of 14, 7 and 0 days before: decay gives 1/7, 2/7, 4/7, position 40/20/40."""
    visits = [(14.0, "paid_search"), (7.0, "email"), (0.0, "direct")]
    load(warehouse, tmp_path, [Journey("kim", visits, 100)])
    found = shares(warehouse)
    money = {model: [share[2] for share in found["kim", model]] for _, model in found}
    assert money == {
        "first_touch": [100, 0, 0],
        "last_touch": [0, 0, 100],
        "last_non_direct": [0, 100, 0],
        "linear": [34, 33, 33],
        "position_based": [40, 20, 40],
        "time_decay": [14, 29, 57],
    }


def test_random_journeys_agree_with_a_reference(
    warehouse: PreparedWarehouse, tmp_path: Path
) -> None:
    """Every weight is the reference's, weights add up to 1, and money to the last won."""
    random = Random(4)
    journeys = [
        Journey(
            f"p{n}",
            [
                (random.uniform(0, 40), random.choice(list(SOURCES)))
                for _ in range(random.randint(0, 7))
            ],
            random.choice([0, 1, 7, 990_000, 1_000_001]),
        )
        for n in range(60)
    ]
    load(warehouse, tmp_path, journeys)
    found = shares(warehouse)
    for journey in journeys:
        for model, weights in journey.weights().items():
            rows = found[journey.person, model]
            assert [row[0] for row in rows] == [channel for _, channel in journey.touches()]
            assert [row[1] for row in rows] == pytest.approx(weights, abs=1e-9)
            assert sum(row[1] for row in rows) == pytest.approx(1, abs=1e-9)
            assert sum(row[2] for row in rows) == journey.amount
            assert all(abs(row[2] - row[1] * journey.amount) < 1 for row in rows)


def test_each_dimension_adds_up_to_all_conversions(
    warehouse: PreparedWarehouse, tmp_path: Path
) -> None:
    """Under each model channels, campaigns, pages, CTAs and sections each hold every conversion."""
    load(
        warehouse,
        tmp_path,
        [Journey("kim", [(3, "email"), (1, "direct")], 90), Journey("lee", [], 10)],
    )
    compute_markov(warehouse.client, AUGUST)
    rows = warehouse.client.query(
        "SELECT model, dimension, sum(conversions), sum(amount)"
        f" FROM attribution{ASKED} GROUP BY model, dimension"
    ).result_rows
    assert len(rows) == 7 * 5
    assert [row[2:] for row in rows] == [(pytest.approx(2), pytest.approx(100))] * 7 * 5


def test_markov_shares_by_what_would_be_lost(warehouse: PreparedWarehouse, tmp_path: Path) -> None:
    """Without email half of the conversions are lost, without direct all: 1/3 and 2/3 of kim's.

    The chain: of four journeys two begin with email, one each with direct and paid search; from
    email half go to direct, which converts; the others end.
    """
    journeys = [
        Journey("kim", [(3, "email"), (1, "direct")], 100),
        Journey("choi", [(2, "direct")], 7),
        Journey("lee", [(2, "paid_search")], None),
        Journey("park", [(2, "email")], None),
        Journey("nobody", [], 50),
    ]
    load(warehouse, tmp_path, journeys)
    assert not [model for _, model in shares(warehouse) if model == "markov"]
    rows = compute_markov(warehouse.client, AUGUST)
    assert [tuple(row.values()) for row in rows] == [
        ("direct", pytest.approx(1), pytest.approx(2 / 3)),
        ("email", pytest.approx(1 / 2), pytest.approx(1 / 3)),
        ("paid_search", pytest.approx(0), pytest.approx(0)),
    ]
    found = shares(warehouse)
    assert found["kim", "markov"] == [
        ("email", pytest.approx(1 / 3), 33),
        ("direct", pytest.approx(2 / 3), 67),
    ]
    assert found["choi", "markov"] == [("direct", pytest.approx(1), 7)]
    assert found["nobody", "markov"] == [("unknown", 1, 50)]


def test_markov_agrees_with_a_reference(warehouse: PreparedWarehouse, tmp_path: Path) -> None:
    """The steps are those that Python counts, weights are the effects', money is whole."""
    random = Random(5)
    journeys = [
        Journey(
            f"p{n}",
            [(random.uniform(0, 18), random.choice(list(SOURCES))) for _ in range(n % 6)],
            random.choice([None, 1, 990_000, 1_000_001]),
        )
        for n in range(60)
    ]
    load(warehouse, tmp_path, journeys)
    expected: Counter[tuple[str, str]] = Counter()
    for journey in journeys:
        channels = [channel for _, channel in journey.touches()] if journey.visits else []
        if channels:
            end = "(none)" if journey.amount is None else "(conversion)"
            expected.update(pairwise(["(start)", *channels, end]))
    asked = ASKED.replace(f", half_life_days = {HALF_LIFE_DAYS}", "")
    steps = warehouse.client.query(f"SELECT channel, next, journeys FROM channel_steps{asked}")
    assert {(here, there): count for here, there, count in steps.result_rows} == expected
    effects = {
        row["channel"]: row["removal_effect"] for row in compute_markov(warehouse.client, AUGUST)
    }
    assert min(effects.values()) > 0
    found = shares(warehouse)
    for journey in journeys:
        if journey.amount is None:
            assert (journey.person, "markov") not in found
            continue
        rows = found[journey.person, "markov"]
        parts = [effects.get(channel, 0) for _, channel in journey.touches()]
        weights = [part / sum(parts) if sum(parts) else 1 / len(parts) for part in parts]
        assert [row[1] for row in rows] == pytest.approx(weights, abs=1e-9)
        assert sum(row[1] for row in rows) == pytest.approx(1, abs=1e-9)
        assert sum(row[2] for row in rows) == journey.amount


def test_the_chain_of_the_latest_period_over_by_then_counts(
    warehouse: PreparedWarehouse, tmp_path: Path
) -> None:
    """Computed again it is replaced, of a later period it is not used; a stage has its own."""
    load(warehouse, tmp_path, [Journey("kim", [(3, "email"), (1, "direct")], 100)])
    for last_day in (date(2024, 8, 31), date(2024, 9, 30)):
        compute_markov(warehouse.client, replace(AUGUST, last_day=last_day))
    warehouse.client.command(
        "INSERT INTO removal_effects_raw SELECT * REPLACE (if(channel = 'email', 0.25, 0.75) AS"
        " removal_effect, computed_at + 1 AS computed_at) FROM removal_effects_raw"
        " WHERE last_day = '2024-08-31'"
    )
    warehouse.client.command(
        "INSERT INTO removal_effects_raw SELECT * REPLACE ('applied' AS stage, 1 AS removal_effect)"
        " FROM removal_effects_raw"
    )
    assert [row[2] for row in shares(warehouse)["kim", "markov"]] == [25, 75]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"funnel": "cuorse"}, 'write "course"'),
        ({"stage": "payed"}, 'write "paid"'),
        ({"stage": "applied"}, "name other days"),
    ],
)
def test_what_has_no_chain_is_told(
    warehouse: PreparedWarehouse, changes: dict[str, str], told: str
) -> None:
    """Unknown names and periods without conversions end in a sentence, and keep no row."""
    with pytest.raises(ValueError, match=told):
        compute_markov(warehouse.client, replace(AUGUST, **changes))  # type: ignore[arg-type]


def visit(number: int, at: str, name: str = "page_viewed", **more: Any) -> Told:
    """Tell an event of kim's, whom a session of the tracker's own names."""
    told = {"came": number, "user": "kim", "session": "s-1", "at": f"2024-08-{at}"} | more
    return Told(id=number, name=name, **told)


def test_ctas_and_sections_share_their_session(
    warehouse: PreparedWarehouse, tmp_path: Path
) -> None:
    """Two CTAs of one session have half of its money each, its section and its page all."""
    journey = [
        visit(1, "10 10:00:00"),
        visit(2, "10 10:01:00", "cta_clicked", properties={"cta_id": "apply"}),
        visit(3, "10 10:02:00", "cta_clicked", properties={"cta_id": "guide"}),
        visit(4, "10 10:03:00", "section_viewed", properties={"section_id": "price"}),
        visit(5, "20 12:00:00", "paid", server=True, properties={"amount": 90}),
    ]
    Road(warehouse.place, tmp_path).load([journey])
    rows = warehouse.client.query(
        f"SELECT dimension, value, conversions, amount FROM attribution{ASKED}"
        " WHERE model = 'linear' ORDER BY dimension, value"
    ).result_rows
    assert [tuple(row) for row in rows] == [
        ("campaign", "", 1, 90),
        ("channel", "direct", 1, 90),
        ("cta", "apply", 0.5, 45),
        ("cta", "guide", 0.5, 45),
        ("page", "/", 1, 90),
        ("section", "price", 1, 90),
    ]


def test_the_guide_s_conversion_by_the_way_to_it(
    warehouse: PreparedWarehouse, tmp_path: Path
) -> None:
    """By a CTA, a section and from YouTube, logged in or not, beside sessions without the guide.

    Of the four sessions without the guide one applies, after two days; kim applies in the session
    of the guide, lee after five days, and park never.
    """
    opened = {"name": "guide_opened"}

    def said(number: int, who: str, at: str, name: str = "page_viewed", **more: Any) -> Told:
        return visit(number, at, name, **{"user": "", "anonymous": who, "session": who} | more)

    load = [
        said(1, "kim", "10 10:00:00", user="kim"),
        said(2, "kim", "10 10:01:00", "cta_clicked", user="kim", properties={"cta_id": "more"}),
        said(3, "kim", "10 10:02:00", user="kim", **opened),
        said(4, "kim", "10 10:09:00", "applied", user="kim"),
        said(5, "lee", "10 10:00:00"),
        said(6, "lee", "10 10:01:00", "section_viewed", properties={"section_id": "div"}),
        said(7, "lee", "10 10:02:00", **opened),
        said(8, "lee", "15 10:00:00", "applied", server=True),
        said(9, "park", "10 10:00:00", properties={"entry": "youtube"}, **opened),
        *(said(20 + n, f"other-{n}", "10 11:00:00") for n in range(4)),
        said(30, "other-0", "12 11:00:00", "applied", server=True),
    ]
    Road(warehouse.place, tmp_path).load([load])
    rows = warehouse.client.query(
        "SELECT came_by, came_from, logged_in, sessions, converted_in_session,"
        " converted_within_3_days, converted_in_time, comparable_sessions,"
        " comparable_share_in_time, difference FROM guide_conversion(funnel = 'course',"
        " stage = 'applied', first_day = '2024-08-01', last_day = '2024-08-31', within_days = 7)"
        " ORDER BY came_by"
    ).result_rows
    assert [tuple(row) for row in rows] == [
        ("cta", "more", True, 1, 1, 1, 1, 4, 0.25, 0.75),
        ("section", "div", False, 1, 0, 0, 1, 4, 0.25, 0.75),
        ("youtube", "", False, 1, 0, 0, 0, 4, 0.25, -0.25),
    ]
