"""Data-driven attribution in the warehouse: journeys by a view, removal effects as rows."""

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from clickhouse_connect.driver.client import Client

from funnelhouse.analysis.markov import removal_effects
from funnelhouse.schemas.faults import meant

_STAGES = "SELECT DISTINCT funnel, stage FROM stages"
_STEPS = """
    SELECT channel, next, journeys
    FROM channel_steps(
        funnel = {funnel:String},
        stage = {stage:String},
        first_day = {first_day:Date},
        last_day = {last_day:Date},
        lookback_days = {lookback_days:UInt16}
    )
"""
_EFFECTS = """
    SELECT channel, removal_effect, share
    FROM removal_effects
    WHERE funnel = {funnel:String}
        AND stage = {stage:String}
        AND first_day = {first_day:Date}
        AND last_day = {last_day:Date}
        AND lookback_days = {lookback_days:UInt16}
    ORDER BY removal_effect DESC, channel
"""


@dataclass(frozen=True, slots=True)
class Period:
    """The conversions that are attributed: entries of a stage from one day to another, inclusive.

    `lookback_days` is how long before its conversion a session counts.
    """

    funnel: str
    stage: str
    first_day: date
    last_day: date
    lookback_days: int


def compute_markov(client: Client, period: Period) -> list[dict[str, Any]]:
    """Compute the removal effects of a period, keep them, and return them with their shares.

    Raises:
        ValueError: the plan has no such stage, or no conversion of the period has any session.
    """
    _refuse_unknown(client, period)
    asked = asdict(period)
    steps = client.query(_STEPS, parameters=asked).result_rows
    effects = removal_effects({(here, following): count for here, following, count in steps})
    if not effects:
        raise ValueError(
            f"No conversion into {period.stage} from {period.first_day} to {period.last_day} has a"
            f" session in the {period.lookback_days} days before it; name other days."
        )
    computed_at = datetime.now(UTC)
    client.insert(
        "removal_effects_raw",
        [[*asked.values(), channel, effect, computed_at] for channel, effect in effects.items()],
        column_names=[*asked, "channel", "removal_effect", "computed_at"],
    )
    return list(client.query(_EFFECTS, parameters=asked).named_results())


def _refuse_unknown(client: Client, period: Period) -> None:
    stages = client.query(_STAGES).result_rows
    of_funnel = [stage for funnel, stage in stages if funnel == period.funnel]
    if not of_funnel:
        known = {funnel for funnel, _ in stages}
        mend = meant(period.funnel, known)
        raise ValueError(f'The plan in force has no funnel "{period.funnel}"; {mend}.')
    if period.stage not in of_funnel:
        mend = meant(period.stage, of_funnel)
        raise ValueError(f'The funnel {period.funnel} has no stage "{period.stage}"; {mend}.')
