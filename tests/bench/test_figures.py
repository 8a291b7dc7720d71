import pytest

from bench.figures import (
    BATCH_EVENTS,
    LOADED,
    NGINX,
    P99_PLAIN_RATE,
    PLAIN,
    PRODUCT,
    SINGLE,
    Figure,
    Figures,
    verdicts,
)


def run(**singles: float) -> Figures:
    names = {"product": PRODUCT, "plain": PLAIN, "nginx": NGINX}
    return Figures(Figure(names[name], SINGLE, "", (rate,)) for name, rate in singles.items())


def test_a_figure_is_the_median_of_its_measures() -> None:
    """One disturbed measure does not move the figure, and the spread stays visible."""
    figure = Figure(PRODUCT, SINGLE, "1/s", (300.0, 100.0, 200.0))
    assert figure.shown == "200  (100 to 300)"


@pytest.mark.parametrize(("rate", "met"), [(220.0, True), (219.0, False)])
def test_singles_are_judged_beside_plain_fastapi(rate: float, *, met: bool) -> None:
    """2.2 times the plain route is enough, less is not."""
    verdict = verdicts(run(product=rate, plain=100.0))[0]
    assert verdict.met is met


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    """Without nginx there is no ratio to it."""
    verdict = verdicts(run(product=220.0, plain=100.0))[1]
    assert (verdict.reached, verdict.met) == (None, None)


@pytest.mark.parametrize(("quantity", "place"), [(BATCH_EVENTS, 2), (LOADED, 5)])
def test_rates_are_scaled_to_the_machine(quantity: str, place: int) -> None:
    """On a machine where plain FastAPI does half of 16,000, half of what is wanted is enough."""
    figures = run(plain=8_000.0)
    figures.append(Figure(PRODUCT, quantity, "", (50_000.0,)))
    assert verdicts(figures)[place].reached == 100_000


@pytest.mark.parametrize(("p99_ms", "met"), [(14.0, True), (16.0, False)])
def test_latency_is_judged_by_the_difference(p99_ms: float, *, met: bool) -> None:
    """p99 may lie 5 ms above the plain route's at the same rate."""
    figures = Figures([Figure(PRODUCT, P99_PLAIN_RATE, "ms", (p99_ms,))])
    figures.append(Figure(PLAIN, P99_PLAIN_RATE, "ms", (10.0,)))
    assert verdicts(figures)[3].met is met
