"""A variant's sums of one metric, and the mean with its variance that they amount to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the units of a variant, as the view `experiment_sums` has them."""

    units: int
    amounts: float
    amounts_squared: float
    sessions: float
    sessions_squared: float
    amounts_sessions: float
    earliers: float = 0.0
    earliers_squared: float = 0.0
    amounts_earlier: float = 0.0


@dataclass(frozen=True, slots=True)
class Arm:
    """A mean over n units; `variance` is that of one unit, so that of the mean is variance / n."""

    units: int
    mean: float
    variance: float

    @property
    def error(self) -> float:
        """The squared standard error of the mean."""
        return self.variance / self.units


def rate_arm(sums: Sums) -> Arm:
    """Make the arm of a metric of which each unit has 1 or 0: the binomial variance."""
    rate = sums.amounts / sums.units
    return Arm(sums.units, rate, rate * (1 - rate))


def mean_arm(sums: Sums) -> Arm:
    """Make the arm of amounts a unit, by the unbiased sample variance; needs two units."""
    n = sums.units
    return Arm(n, sums.amounts / n, _covariance(n, sums.amounts_squared, sums.amounts**2))


def ratio_arm(sums: Sums) -> Arm:
    """Make the arm of amounts a session, whose sessions come in units: the delta method.

    var(Y/S) = (var Y - 2 R cov(Y, S) + R² var S) / (n mean(S)²), R = sum Y / sum S. Source: Deng,
    Knoblich and Lu, "Applying the Delta Method in Metric Analytics", KDD 2018, section 2.
    """
    n, ratio = sums.units, sums.amounts / sums.sessions
    of_amounts = _covariance(n, sums.amounts_squared, sums.amounts**2)
    of_sessions = _covariance(n, sums.sessions_squared, sums.sessions**2)
    of_both = _covariance(n, sums.amounts_sessions, sums.amounts * sums.sessions)
    spread = of_amounts - 2 * ratio * of_both + ratio**2 * of_sessions
    return Arm(n, ratio, max(spread, 0.0) / (sums.sessions / n) ** 2)


def cuped_arms(control: Sums, treated: Sums) -> tuple[Arm, Arm] | None:
    """Make both arms of amounts adjusted by those of the time before, None where none stood then.

    theta = cov(Y, X) / var(X) over both arms; Y - theta (X - mean X) keeps the difference's
    expectation and loses the variance that X explains. Source: Deng, Xu, Kohavi and Walker,
    "Improving the Sensitivity of Online Controlled Experiments", WSDM 2013, section 3.
    """
    both = [control, treated]
    of_earlier = sum(_deviation(s.units, s.earliers_squared, s.earliers**2) for s in both)
    if of_earlier <= 0:
        return None
    of_both = sum(_deviation(s.units, s.amounts_earlier, s.amounts * s.earliers) for s in both)
    theta = of_both / of_earlier
    units = control.units + treated.units
    typical = (control.earliers + treated.earliers) / units
    first, second = (_adjusted(sums, theta, typical) for sums in both)
    return first, second


def _adjusted(sums: Sums, theta: float, typical: float) -> Arm:
    n = sums.units
    mean = sums.amounts / n - theta * (sums.earliers / n - typical)
    of_amounts = _covariance(n, sums.amounts_squared, sums.amounts**2)
    of_earlier = _covariance(n, sums.earliers_squared, sums.earliers**2)
    of_both = _covariance(n, sums.amounts_earlier, sums.amounts * sums.earliers)
    return Arm(n, mean, max(of_amounts - 2 * theta * of_both + theta**2 * of_earlier, 0.0))


def _covariance(n: int, products: float, of_sums: float) -> float:
    return _deviation(n, products, of_sums) / (n - 1)


def _deviation(n: int, products: float, of_sums: float) -> float:
    """Give the sum of products of deviations: sum xy - (sum x)(sum y) / n."""
    return products - of_sums / n
