"""Pages over a plan that says nothing tell which file to write."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from funnelhouse.console.access.read_access import ReadAccess
from funnelhouse.console.pages.all import pages
from funnelhouse.console.pages.site import LoadProgress, Site
from tests.conftest import PreparedWarehouse
from tests.sql.history import bring


@pytest.fixture(scope="module")
def site(warehouse: PreparedWarehouse) -> Iterator[Site]:
    """Give the pages over a warehouse with neither events nor a plan."""
    bring(warehouse.client, [])
    yield Site(
        warehouse.place, ReadAccess((), open=True), "Asia/Seoul", lambda: LoadProgress(0.0, 0)
    )
    warehouse.prepare()


@pytest.mark.parametrize(
    ("way", "file"),
    [
        ("/funnel", "funnels/*.yaml"),
        ("/experiments", "experiments/*.yaml"),
        ("/coverage", "coverage/*.yaml"),
    ],
)
def test_it_names_the_file_to_write(site: Site, way: str, file: str) -> None:
    """A page of what only a plan can say names its folder, and the command that follows."""
    app = FastAPI()
    app.include_router(pages(site))

    async def got() -> str:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return (await client.get(way)).text

    text = asyncio.run(got())
    assert file in text
    assert "plan apply" in text
