"""Statistics against SciPy, statsmodels and published worked examples."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    power_proportions_2indep,
    proportions_ztest,
)

from funnelhouse.analysis.arm import Arm, cuped_arms, mean_arm, rate_arm, ratio_arm
from funnelhouse.analysis.bayes import mean_belief, rate_belief
from funnelhouse.analysis.power import days_left, units_for_means, units_for_rates
from funnelhouse.analysis.sequential import always_valid
from funnelhouse.analysis.statistics import holm, lift_interval, mean_test, rate_test
from tests.analysis.plans import counted, summed

TABLES = [(1000, 50, 1000, 70), (5000, 430, 4000, 300), (200, 100, 220, 96)]


def rates(units: int, converted: int, others: int, of_them: int) -> tuple[Arm, Arm]:
    """Return the arms of two rates."""
    return rate_arm(counted(units, converted)), rate_arm(counted(others, of_them))


@pytest.mark.parametrize("table", TABLES)
def test_z_is_that_of_statsmodels(table: tuple[int, int, int, int]) -> None:
    """The two-proportion z-test has the pooled variance."""
    units, converted, others, of_them = table
    found = rate_test(*rates(*table))
    assert found is not None
    expected = proportions_ztest([converted, of_them], [units, others])[1]
    assert (found.name, found.p_value) == ("z", pytest.approx(expected, rel=1e-9))


@pytest.mark.parametrize("table", [*TABLES, (50, 1, 40, 3)])
def test_interval_of_rates_is_newcombes(table: tuple[int, int, int, int]) -> None:
    """The interval of a difference of rates is the one of statsmodels' method newcomb."""
    units, converted, others, of_them = table
    found = rate_test(*rates(*table))
    assert found is not None
    expected = confint_proportions_2indep(of_them, others, converted, units, method="newcomb")
    assert found.interval == pytest.approx(expected, rel=1e-6)


def test_interval_of_newcombes_own_example() -> None:
    """56 of 70 against 48 of 80: 0.0524 to 0.3339 (Newcombe 1998, table II, example a)."""
    found = rate_test(*rates(80, 48, 70, 56))
    assert found is not None
    assert found.interval == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_fishers_tea() -> None:
    """Below expected counts of five it is Fisher's: 3 of 4 cups right gives p 0.4857."""
    found = rate_test(*rates(4, 1, 4, 3))
    assert found is not None
    assert (found.name, found.p_value) == ("fisher", pytest.approx(0.4857, abs=5e-5))


@pytest.mark.parametrize("converted", [0, 100])
def test_nobody_or_everybody_is_no_test(converted: int) -> None:
    """Where both rates are 0 or 1 nothing is said, without a division by zero."""
    assert rate_test(*rates(100, converted, 100, converted)) is None


def test_welch_is_that_of_scipy() -> None:
    """P-value and interval are those of Welch's test on the amounts themselves."""
    random = np.random.default_rng(1)
    first, second = random.exponential(3, 80), random.exponential(4, 120)
    found = mean_test(mean_arm(summed(first)), mean_arm(summed(second)))
    expected = stats.ttest_ind(second, first, equal_var=False)
    assert found is not None
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    interval = expected.confidence_interval(0.95)
    assert found.interval == pytest.approx((interval.low, interval.high), rel=1e-9)


def test_amounts_that_never_vary_are_no_test() -> None:
    """Two constant arms give no test and no belief."""
    arms = mean_arm(summed([5, 5, 5])), mean_arm(summed([5, 5]))
    assert mean_test(*arms) is None
    assert mean_belief(*arms) is None


def test_lift_interval_is_that_of_the_risk_ratio() -> None:
    """The physicians' aspirin: 104 of 11037 against 189 of 11034 has a ratio of 0.43 to 0.70.

    Source: Steering Committee of the Physicians' Health Study, 1989, by its counts.
    """
    found = lift_interval(*rates(11034, 189, 11037, 104))
    assert found is not None
    expected = stats.contingency.relative_risk(104, 11037, 189, 11034).confidence_interval(0.95)
    assert found == pytest.approx((expected.low - 1, expected.high - 1), rel=1e-9)
    assert found == pytest.approx((-0.57, -0.30), abs=5e-3)


def test_no_lift_over_nothing() -> None:
    """A control of 0 has no relative lift."""
    assert lift_interval(*rates(100, 0, 100, 4)) is None


def test_holm_is_that_of_statsmodels() -> None:
    """Adjusted p-values are those of multipletests, in the order given."""
    p_values = [0.03, 0.001, 0.2, 0.01, 0.04]
    expected = multipletests(p_values, method="holm")[1]
    assert holm(p_values) == pytest.approx(list(expected))
    assert holm([]) == []


def test_delta_method_agrees_with_resampled_units() -> None:
    """The variance of amounts a session is that of 4,000 resamples of whole units."""
    random = np.random.default_rng(2)
    sessions = random.geometric(0.3, 500)
    amounts = random.binomial(sessions, 0.2 + 0.1 * (sessions > 3))
    found = ratio_arm(summed(amounts, sessions))
    picks = random.integers(0, 500, (4000, 500))
    resampled = amounts[picks].sum(axis=1) / sessions[picks].sum(axis=1)
    assert found.mean == amounts.sum() / sessions.sum()
    assert math.sqrt(found.error) == pytest.approx(resampled.std(), rel=0.06)


def test_cuped_is_the_regression_on_the_time_before() -> None:
    """The factor is the slope over both arms, and the adjusted means are those of the residuals."""
    random = np.random.default_rng(3)
    before = random.gamma(2, 3, 400)
    after = 0.8 * before + random.normal(0, 1, 400) + np.repeat([0, 0.5], 200)
    arms = [summed(after[part], earlier=before[part]) for part in (slice(200), slice(200, None))]
    found = cuped_arms(arms[0], arms[1])
    assert found is not None
    first, second = before[:200], before[200:]
    within = np.concatenate([first - first.mean(), second - second.mean()])
    outcome = np.concatenate([after[:200] - after[:200].mean(), after[200:] - after[200:].mean()])
    theta = (within @ outcome) / (within @ within)
    residual = after - theta * (before - before.mean())
    for arm, part in zip(found, (slice(200), slice(200, None)), strict=True):
        assert arm.mean == pytest.approx(residual[part].mean())
        assert arm.variance == pytest.approx(residual[part].var(ddof=1))
    assert found[0].variance < mean_arm(arms[0]).variance / 4


def test_no_cuped_without_a_time_before() -> None:
    """Where nothing came before there is nothing to adjust by."""
    assert cuped_arms(summed([1, 2]), summed([2, 3])) is None


def test_belief_of_rates_is_that_of_draws() -> None:
    """Probability and loss agree with half a million draws of both posteriors."""
    random = np.random.default_rng(4)
    found = rate_belief(*rates(1000, 50, 1000, 62))
    first, second = random.beta(51, 951, 500_000), random.beta(63, 939, 500_000)
    assert found.better == pytest.approx((second > first).mean(), abs=0.003)
    assert found.expected_loss == pytest.approx(np.maximum(first - second, 0).mean(), rel=0.02)


def test_belief_of_means_is_the_normal_one() -> None:
    """A difference of two errors above 0 is better with Phi(2) = 0.977."""
    found = mean_belief(Arm(100, 1.0, 50.0), Arm(100, 3.0, 50.0))
    assert found is not None
    assert found.better == pytest.approx(stats.norm.cdf(2))
    draws = np.random.default_rng(5).normal(2, 1, 500_000)
    assert found.expected_loss == pytest.approx(np.maximum(-draws, 0).mean(), rel=0.05)


def test_units_of_a_known_table() -> None:
    """10 % against 15 % at 5 % and 80 % needs 686 a group (Fleiss, uncorrected)."""
    assert units_for_rates(0.10, 0.5, (0.5, 0.5)) == pytest.approx(2 * 686, abs=2)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.8, 0.2)])
def test_units_have_the_power_promised(shares: tuple[float, float]) -> None:
    """With that many units statsmodels finds a power of 80 %, whatever the weights."""
    needed = units_for_rates(0.05, 0.2, shares)
    assert needed is not None
    first, second = (round(needed * share) for share in shares)
    found = power_proportions_2indep(0.01, 0.05, second, ratio=first / second, return_results=False)
    assert found == pytest.approx(0.8, abs=0.005)


def test_units_of_means_are_those_of_statsmodels() -> None:
    """Half a standard deviation needs as many units as NormalIndPower says; t needs few more."""
    needed = units_for_means(Arm(10, 1.0, 4.0), 1.0, (0.5, 0.5))
    expected = NormalIndPower().solve_power(0.5, power=0.8, alpha=0.05)
    assert needed == math.ceil(2 * expected)
    assert needed < 2 * TTestIndPower().solve_power(0.5, power=0.8, alpha=0.05) < needed + 5


def test_days_left_at_the_traffic() -> None:
    """Days round up, are 0 when the units are there, and unknown without traffic."""
    assert (days_left(100, 40, 25), days_left(100, 100, 0), days_left(100, 40, 0)) == (3, 0, None)


def test_impossible_rates_need_no_units() -> None:
    """A rate that the lift takes beyond 1 gives no number."""
    assert units_for_rates(0.95, 0.1, (0.5, 0.5)) is None
    assert units_for_rates(0, 0.1, (0.5, 0.5)) is None


@pytest.mark.parametrize("comparisons", [1, 2])
def test_always_valid_interval_is_the_inverted_ratio(comparisons: int) -> None:
    """At the bound the mixture likelihood ratio is 1 / level, shared by the comparisons."""
    error, scale = 0.04, 0.3
    low, high = always_valid(0.5, error, scale, comparisons)
    difference = (high - low) / 2
    effects = np.linspace(-8 * scale, 8 * scale, 200_001)
    ratio = np.exp((difference * effects - effects**2 / 2) / error)
    found = np.trapezoid(ratio * stats.norm.pdf(effects, 0, scale), effects)
    assert found == pytest.approx(20 * comparisons, rel=1e-6)
    assert (low + high) / 2 == pytest.approx(0.5)
