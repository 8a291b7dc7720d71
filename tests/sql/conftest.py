"""How many random histories a run draws."""

import pytest


@pytest.fixture(params=[1, *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, 6))])
def rounds() -> None:
    """Draw other histories in each round; the ordinary run has one of them."""
