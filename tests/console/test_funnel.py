"""Which funnel the page shows first."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from funnelhouse.console.access.read_access import ReadAccess
from funnelhouse.console.pages.funnel import funnel
from funnelhouse.console.pages.site import LoadProgress, Site
from tests.conftest import PreparedWarehouse
from tests.sql.history import Road, Told, bring, rule, today
from tests.sql.test_any_history import monday

NAMES = ("alpha", "beta", "gamma")


@pytest.fixture
def road(warehouse: PreparedWarehouse, tmp_path: Path) -> Road:
    """Give a way into the warehouse, which is empty and knows three funnels of one stage."""
    warehouse.empty()
    rules = [rule(1, "entered", name, funnel=name) for name in NAMES]
    rules += [rule(2, "left", f"{name}_left", funnel=name, kind="withdrawn") for name in NAMES]
    bring(warehouse.client, rules)
    return Road(warehouse.place, tmp_path)


def shown(road: Road, way: str = "/funnel") -> list[str]:
    """Open the page, and read the funnels that it offers, the one that it shows first."""
    app = FastAPI()
    site = Site(road.place, ReadAccess((), open=True), "Asia/Seoul", lambda: LoadProgress(0.0, 0))
    app.include_router(funnel(site))
    text = asyncio.run(_got(app, way))
    (chosen,) = re.findall(r'value="(\w+)" selected', text)
    offered = re.findall(r'<option value="(\w+)"', text)
    return [chosen, *(name for name in offered if name != chosen)]


async def _got(app: FastAPI, way: str) -> str:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return (await client.get(way)).text


def entered(first: int, counts: dict[tuple[str, int], int]) -> list[Told]:
    """Tell of people who send an event so many days before this week's Monday."""
    this = monday(today())
    events = [key for key, count in counts.items() for _ in range(count)]
    return [
        Told(id=n, came=n, name=name, at=f"{this - timedelta(days=days)} 12:00:00", user=f"u{n}")
        for n, (name, days) in enumerate(events, start=first)
    ]


def test_over_nothing_it_is_the_first_of_the_plan(road: Road) -> None:
    """Without an entry the funnels stand by their names."""
    assert shown(road) == ["alpha", "beta", "gamma"]


def test_it_is_the_one_with_the_most_recent_entries(road: Road) -> None:
    """The last four whole weeks count, not older ones, the week under way, or who left."""
    told = {("beta", 1): 2, ("beta", 28): 2, ("gamma", 7): 3, ("gamma", 29): 9}
    told |= {("gamma", 0): 9, ("gamma_left", 1): 9, ("alpha", 29): 20}
    road.load([entered(1, told)])
    assert shown(road) == ["beta", "gamma", "alpha"]


def test_weeks_are_those_of_the_data(road: Road) -> None:
    """Where all is long past, the four weeks end with the last one that anything was entered in."""
    road.load([entered(1, {("gamma", 400): 2, ("beta", 429): 9, ("alpha", 400): 1})])
    assert shown(road) == ["gamma", "alpha", "beta"]


def test_another_is_shown_when_asked_for(road: Road) -> None:
    """The reader's choice goes before; one that is in no plan is none."""
    road.load([entered(1, {("beta", 1): 1})])
    assert shown(road, "/funnel?funnel=gamma")[0] == "gamma"
    assert shown(road, "/funnel?funnel=nope")[0] == "beta"
