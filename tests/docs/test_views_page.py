"""The page of views is the one that the views make."""

from pathlib import Path

import pytest

from funnelhouse.sql.describe import views_page
from funnelhouse.sql.upgrade import VIEWS
from tests.conftest import PreparedWarehouse

PAGE = Path(__file__).parents[2] / "docs" / "views.md"


@pytest.fixture(scope="module")
def page(warehouse: PreparedWarehouse) -> str:
    """Write the page of views."""
    return views_page(warehouse.client)


def test_the_page_is_up_to_date(page: str) -> None:
    """docs/views.md is what `make docs` writes."""
    assert page == PAGE.read_text(encoding="utf-8")


def test_every_view_says_what_a_row_is_and_what_copies_do(page: str) -> None:
    """On top of each file stand its grain and its behaviour under duplicates."""
    for view in VIEWS:
        _, _, section = page.partition(f"\n### {Path(view).name}\n")
        text = section.partition("\n### ")[0]
        assert "one row" in text.lower(), view
        assert "uplicates" in text, view
