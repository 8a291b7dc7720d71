"""What the panel of QA mode is told: the events that the plan expects of pages."""

from collections.abc import Sequence
from typing import Any

from funnelhouse.schemas.coverage import Expectation


def expected_of_pages(coverage: Sequence[Expectation]) -> list[dict[str, Any]]:
    """Describe what is expected of named pages; what servers send no page can show."""
    return [
        {"event": one.event, "properties": one.properties, "pages": one.pages}
        for one in coverage
        if one.pages
    ]
