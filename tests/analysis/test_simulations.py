"""Promises of the statistics kept over simulated experiments: errors, coverage, trust."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest

from funnelhouse.analysis.arm import Arm, Sums, cuped_arms, mean_arm, rate_arm, ratio_arm
from funnelhouse.analysis.gates import Check
from funnelhouse.analysis.power import units_for_rates
from funnelhouse.analysis.readout import ExperimentFacts, read_out
from funnelhouse.analysis.sequential import always_valid
from funnelhouse.analysis.statistics import mean_test, rate_test
from tests.analysis.plans import counted, experiment, summed

RATE, A_DAY, DAYS = 0.06, 500, 28
MIDDLE = date(2024, 8, 12)
SIZES = [pytest.param(400), pytest.param(2000, marks=pytest.mark.slow)]


def most(expected: float, times: int) -> float:
    """Give the share that chance exceeds once in a thousand (three standard errors)."""
    return float(expected + 3.1 * np.sqrt(expected * (1 - expected) / times))


@pytest.mark.parametrize("times", SIZES)
def test_the_fixed_test_errs_at_five_percent_and_its_interval_covers(times: int) -> None:
    """Over A/A experiments p is below 0.05 in 5 %, and 95 % of intervals hold the difference."""
    random = np.random.default_rng(10)
    errors = covered = 0
    for converted, of_them in random.binomial(4000, RATE, (times, 2)):
        arms = (rate_arm(counted(4000, int(n))) for n in (converted, of_them))
        found = rate_test(*arms)
        assert found is not None
        errors += found.p_value < 0.05
        covered += found.interval[0] <= 0 <= found.interval[1]
    assert 0.1 - most(0.05, times) <= errors / times <= most(0.05, times)
    assert 1 - most(0.05, times) <= covered / times


@pytest.mark.parametrize("times", SIZES)
def test_the_sequential_interval_errs_at_most_at_five_percent_under_daily_looks(
    times: int,
) -> None:
    """Looked at each of 28 days, A/A experiments are called different in at most 5 %.

    The fixed test under the same looks errs far more often, so that the looks are real ones.
    """
    random = np.random.default_rng(11)
    days = random.binomial(A_DAY, RATE, (times, 2, DAYS)).cumsum(axis=2)
    called, fixed = np.zeros(times, bool), np.zeros(times, bool)
    for number, (control, treated) in enumerate(days):
        for day in range(DAYS):
            units = A_DAY * (day + 1)
            first, second = (rate_arm(counted(units, int(n[day]))) for n in (control, treated))
            scale, error = 0.1 * first.mean, first.error + second.error
            low, high = always_valid(second.mean - first.mean, error, scale)
            called[number] |= not low <= 0 <= high
            fixed[number] |= abs(second.mean - first.mean) > 1.96 * np.sqrt(error)
    assert called.mean() <= 0.05
    assert fixed.mean() > 0.15


def amounts(random: np.random.Generator, units: int) -> tuple[Sums, Sums, Sums]:
    """Draw an arm's revenue, clicks by session, and revenue beside that of the time before.

    Revenue is nothing for most and skewed for the rest; some click each time, others never.
    """
    revenue = random.lognormal(3, 1, units) * (random.random(units) < 0.2)
    sessions = random.geometric(0.3, units)
    clicks = random.binomial(sessions, random.beta(0.3, 0.7, units))
    before = random.gamma(2, 5, units)
    return summed(revenue), summed(clicks, sessions), summed(before + revenue, earlier=before)


@pytest.mark.parametrize("times", SIZES)
def test_means_ratios_and_cuped_err_at_five_percent_and_cover(times: int) -> None:
    """Welch's t, the delta method and CUPED err in 5 % of A/A experiments; 95 % of intervals hold.

    Without the delta method clicks by session, which come in visitors, err more often.
    """
    random = np.random.default_rng(14)
    errors, covered = np.zeros(4), np.zeros(4)
    for _ in range(times):
        control, treated = (amounts(random, 1500) for _ in range(2))
        arms = [
            (mean_arm(control[0]), mean_arm(treated[0])),
            (ratio_arm(control[1]), ratio_arm(treated[1])),
            cuped_arms(control[2], treated[2]),
            tuple(by_session(one[1]) for one in (control, treated)),
        ]
        for number, both in enumerate(arms):
            assert both is not None
            found = mean_test(*both)
            assert found is not None
            errors[number] += found.p_value < 0.05
            covered[number] += found.interval[0] <= 0 <= found.interval[1]
    assert (0.1 - most(0.05, times) <= errors[:3] / times).all()
    assert (errors[:3] / times <= most(0.05, times)).all()
    assert (covered[:3] / times >= 1 - most(0.05, times)).all()
    assert errors[3] / times > most(0.05, times)


def by_session(sums: Sums) -> Arm:
    """Take each session for a unit of its own, which it is not."""
    rate = sums.amounts / sums.sessions
    return Arm(int(sums.sessions), rate, rate * (1 - rate))


@pytest.mark.parametrize("times", SIZES)
def test_the_planned_units_find_the_minimum_effect_in_eight_of_ten(times: int) -> None:
    """With as many units as power says, a lift of a fifth is found in 80 %."""
    random = np.random.default_rng(15)
    needed = units_for_rates(RATE, 0.2, (0.5, 0.5))
    assert needed is not None
    units, found = needed // 2, 0
    for _ in range(times):
        drawn = (random.binomial(units, rate) for rate in (RATE, RATE * 1.2))
        test = rate_test(*(rate_arm(counted(units, int(n))) for n in drawn))
        found += test is not None and test.p_value < 0.05
    assert 1 - most(0.2, times) <= found / times <= 0.8 + most(0.2, times) - 0.2


def broken_share(times: int, lost: float, seed: int) -> float:
    """Simulate experiments of true effects up to ±30 %; of B's form events a share is lost."""
    random = np.random.default_rng(seed)
    verdicts = []
    for effect in random.uniform(-0.3, 0.3, times):
        sums, checks = {}, []
        for variant, rate, loss in (("a", RATE, 0.0), ("b", RATE * (1 + effect), lost)):
            units = int(random.binomial(20_000, 0.5))
            applied = int(random.binomial(units, rate))
            sent = int(random.binomial(applied, 0.99 * (1 - loss)))
            seen = int(random.binomial(units, 0.995))
            sums[1, variant] = counted(units, applied)
            twice = int(random.binomial(units, 0.003))
            checks += [
                Check("contaminated", 0, "", variant, units, twice),
                Check("rejected", 0, "", variant, units, int(random.binomial(units, 0.002))),
                Check("followed", 0, "", variant, units, int(random.binomial(units, 0.6))),
                Check("step", 1, "page_viewed", variant, units, seen),
                Check("pair", 1, "form_submitted", variant, applied, sent),
            ]
        found = read_out(experiment(), ExperimentFacts(MIDDLE, sums, checks, 1000.0))
        verdicts.append(found.verdict.verdict == "not trustworthy")
    return float(np.mean(verdicts))


@pytest.mark.parametrize("times", [pytest.param(100), pytest.param(500, marks=pytest.mark.slow)])
def test_lost_logs_are_told_from_true_effects(
    times: int, record_property: Callable[[str, object], None]
) -> None:
    """20 % of B's form events lost: not trustworthy; honest ones with any effect: at most 1 %."""
    caught, wronged = broken_share(times, 0.2, 12), broken_share(times, 0.0, 13)
    record_property("broken experiments called not trustworthy", caught)
    record_property("honest experiments called not trustworthy", wronged)
    assert caught >= 0.99
    assert wronged <= 0.02
