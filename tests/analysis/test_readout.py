"""From sums to rows and a verdict: each rule of the verdict, and rows that say what is missing."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from funnelhouse.analysis.arm import Sums
from funnelhouse.analysis.gates import Check
from funnelhouse.analysis.readout import ExperimentFacts, Readout, read_out
from tests.analysis.plans import counted, experiment, metric

MIDDLE, END = date(2024, 8, 12), date(2024, 8, 18)
THIRDS = (("a", 0.34), ("b", 0.33), ("c", 0.33))


def checks(units: dict[str, int], **gates: dict[str, tuple[int, int]]) -> list[Check]:
    """Return checks of honest units, and others as (units, having) by gate and variant."""
    honest = [Check("contaminated", 0, "", variant, count, 0) for variant, count in units.items()]
    others = [
        Check(gate, 1, "form_submitted", variant, *having)
        for gate, variants in gates.items()
        for variant, having in variants.items()
    ]
    return honest + others


def facts(sums: dict[tuple[int, str], Sums], as_of: date = MIDDLE, **gates: Any) -> ExperimentFacts:
    """Return facts with honest gates unless others are given."""
    units = {variant: one.units for (number, variant), one in sums.items() if number == 1}
    return ExperimentFacts(as_of, sums, checks(units, **gates), 1000.0)


def rates(
    control: tuple[int, int], treated: tuple[int, int], as_of: date = MIDDLE, **gates: Any
) -> ExperimentFacts:
    """Return facts of one metric in two variants."""
    return facts({(1, "a"): counted(*control), (1, "b"): counted(*treated)}, as_of, **gates)


def verdict(readout: Readout) -> str:
    """Give the verdict of a readout."""
    return readout.verdict.verdict


@pytest.mark.parametrize(
    ("treated", "as_of", "expected"),
    [
        (1400, MIDDLE, "ship"),
        (1090, MIDDLE, "keep running"),
        (1085, END, "stop"),
        (1090, END, "ship"),
        (1040, END, "stop"),
        (600, MIDDLE, "stop"),
        (600, END, "stop"),
    ],
)
def test_the_sequential_interval_decides_until_the_end(
    treated: int, as_of: date, expected: str
) -> None:
    """1,090 of 20,000 against 1,000 is no verdict in the middle; at the end p decides."""
    found = read_out(experiment(), rates((20_000, 1000), (20_000, treated), as_of))
    assert verdict(found) == expected


def test_an_effect_below_the_success_threshold_is_not_shipped() -> None:
    """A sure lift of 10 % stops at the end where 20 % were wanted."""
    plan = experiment(success=0.2)
    assert verdict(read_out(plan, rates((90_000, 9000), (90_000, 9900), END))) == "stop"


def test_less_may_be_better() -> None:
    """Where the metric should fall, a fall ships and its probability to be better is near 1."""
    plan = experiment(metrics=[metric(direction="decrease")])
    found = read_out(plan, rates((20_000, 1400), (20_000, 1000)))
    assert verdict(found) == "ship"
    assert found.rows[1]["better"] == pytest.approx(1, abs=1e-6)
    assert found.rows[1]["expected_loss"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("units", "gates", "told"),
    [
        ((20_000, 18_800), {}, "sample ratio"),
        ((20_000, 20_000), {"pair": {"a": (900, 898), "b": (900, 720)}}, "b lost form_submitted"),
        ((20_000, 20_000), {"step": {"a": (20_000, 20_000), "b": (20_000, 18_000)}}, "b sends"),
        (
            (20_000, 20_000),
            {"rejected": {"a": (20_000, 20), "b": (20_000, 90)}},
            "of variant b are reject",
        ),
        (
            (20_000, 20_000),
            {"followed": {"a": (20_000, 15_000), "b": (20_000, 0)}},
            "No unit of variant b",
        ),
    ],
)
def test_a_broken_gate_outranks_any_effect(
    units: tuple[int, int], gates: dict[str, Any], told: str
) -> None:
    """However sure the effect, the verdict is not trustworthy, and why names the gate."""
    found = read_out(experiment(), rates((units[0], 1000), (units[1], 2000), **gates))
    assert verdict(found) == "not trustworthy"
    assert told in found.verdict.why


def test_contamination_above_one_percent_breaks_trust() -> None:
    """200 of 20,000 units are borne, 201 are not."""
    sums = {(1, "a"): counted(10_000, 500), (1, "b"): counted(10_000, 500)}
    for having, expected in ((100, "keep running"), (101, "not trustworthy")):
        seen = [Check("contaminated", 0, "", v, 10_000, n) for v, n in (("a", 100), ("b", having))]
        found = read_out(experiment(), ExperimentFacts(MIDDLE, sums, seen, 1000.0))
        assert verdict(found) == expected


def test_a_variant_without_any_unit_is_a_mismatch() -> None:
    """A variant that nobody was shown is noticed, though it has no row of sums."""
    found = read_out(experiment(), facts({(1, "a"): counted(1000, 50)}))
    assert verdict(found) == "not trustworthy"


def test_a_broken_guardrail_is_told_before_the_effect() -> None:
    """A winner that loses a third of the guardrail's metric is not shipped."""
    guard = metric("paid", role="guardrail", limit=0.1)
    plan = experiment(metrics=[metric(), guard])
    sums = {
        (1, "a"): counted(20_000, 1000),
        (1, "b"): counted(20_000, 1400),
        (2, "a"): counted(20_000, 3000),
        (2, "b"): counted(20_000, 2000),
    }
    found = read_out(plan, facts(sums))
    assert verdict(found) == "guardrail broken"
    assert "b worsens paid by more than 10%" in found.verdict.why
    borne = sums | {(2, "b"): counted(20_000, 2850)}
    assert verdict(read_out(plan, facts(borne))) == "ship"


def test_the_best_of_three_is_shipped_and_corrected_for_both() -> None:
    """Two comparisons share the level: the p-values are Holm's, the winner is named."""
    plan = experiment(variants=THIRDS)
    sums = {(1, name): counted(20_000, n) for name, n in (("a", 1000), ("b", 1080), ("c", 1500))}
    found = read_out(plan, facts(sums))
    assert verdict(found) == "ship"
    assert found.verdict.why.startswith("Variant c wins")
    of = {row["variant"]: row for row in found.rows}
    assert of["b"]["p_adjusted"] == of["b"]["p_value"]
    assert of["c"]["p_adjusted"] == pytest.approx(2 * of["c"]["p_value"])


def test_secondary_metrics_are_corrected_together_and_the_primary_alone() -> None:
    """Holm goes over the secondary metrics; the primary one's p-value stays."""
    names = ("paid", "asked")
    plan = experiment(metrics=[metric(), *(metric(name, role="secondary") for name in names)])
    sums = {
        (number, variant): counted(20_000, count)
        for number, counts in ((1, (1000, 1050)), (2, (500, 580)), (3, (300, 310)))
        for variant, count in zip("ab", counts, strict=True)
    }
    rows = {row["metric"]: row for row in read_out(plan, facts(sums)).rows if row["variant"] == "b"}
    assert rows["applied"]["p_adjusted"] == rows["applied"]["p_value"]
    assert rows["paid"]["p_adjusted"] == pytest.approx(2 * rows["paid"]["p_value"])
    assert rows["asked"]["p_adjusted"] == rows["asked"]["p_value"]


@pytest.mark.parametrize("converted", [0, 1])
@pytest.mark.parametrize("units", [0, 1, 2, 5])
def test_too_little_data_is_said(units: int, converted: int) -> None:
    """Few units give rows without NaN and the verdict to keep running."""
    sums = {(1, v): counted(units, min(units, converted)) for v in "ab"} if units else {}
    found = read_out(experiment(), facts(sums))
    assert found.verdict == ("keep running", "There is too little data to judge by.")
    values = [value for row in found.rows for value in row.values()]
    assert all(value == value for value in values)  # noqa: PLR0124 -- NaN alone differs from itself


def test_the_end_with_too_little_data_stops() -> None:
    """An experiment that ends with nothing known is over all the same."""
    assert verdict(read_out(experiment(), facts({}, END))) == "stop"


def test_revenue_is_compared_by_welch_and_cuped() -> None:
    """Amounts have a t-test, and the adjusted interval is the narrower one."""
    money = metric("money", kind="revenue", stage="")
    base = Sums(1000, 5000.0, 45_000.0, 1000, 1000, 5000, 4900.0, 43_000.0, 42_000.0)
    more = replace(base, amounts=5400.0, amounts_squared=49_000.0)
    found = read_out(experiment(metrics=[money]), facts({(1, "a"): base, (1, "b"): more}))
    row = found.rows[1]
    assert row["test"] == "welch"
    plain, adjusted = (row[f"{name}_high"] - row[f"{name}_low"] for name in ("difference", "cuped"))
    assert 0 < adjusted < plain


def test_power_is_told_beside_the_metric() -> None:
    """5 % and a lift of 10 % need some 62,000 units; at 1,000 a day the rest takes days."""
    row = read_out(experiment(), rates((10_000, 500), (10_000, 505))).rows[1]
    assert row["units_needed"] == pytest.approx(62_500, rel=0.01)
    assert row["days_left"] == -(-(row["units_needed"] - 20_000) // 1000)
