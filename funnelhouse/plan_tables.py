"""The tracking plan as the warehouse stores it: rules, funnels, intakes, targets and actions."""

from dataclasses import astuple

from schemas.registry import Plan
from sql.builds import PlanTables


def tables_of(plan: Plan) -> PlanTables:
    """Lay a plan out in rows."""
    return PlanTables(
        rules=[astuple(rule) for funnel in plan.funnels for rule in funnel.rules()],
        funnels=[
            (
                funnel.funnel,
                funnel.version,
                funnel.product,
                funnel.title,
                funnel.title_ko,
                funnel.valid_from,
                funnel.valid_until,
                funnel.window_days,
            )
            for funnel in plan.funnels
        ],
        intakes=[
            (funnel.funnel, funnel.version, *astuple(intake)[1:])
            for funnel in plan.funnels
            for intake in funnel.intakes
        ],
        targets=[astuple(target) for target in plan.targets],
        actions=[astuple(action) for action in plan.actions],
    )
