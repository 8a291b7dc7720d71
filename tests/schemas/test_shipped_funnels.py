from datetime import date
from itertools import groupby
from pathlib import Path

import pytest

from funnelhouse.schemas.funnels import Funnel
from funnelhouse.schemas.registry import Plan, load_plan

# Steps and their events as the teams walk them; the issue of the funnels is the reference.
STEPS = {
    ("hanghae", 1): """landing_viewed cta_clicked first_viewed first_applied second_applied
        document_passed interview_scheduled interview_attended interview_passed paid""",
    ("bootcamp_state", 1): """landing_viewed first_applied second_applied document_passed
        interview_submitted slack_joined registered""",
    ("bootcamp_state", 2): """landing_viewed first_applied document_passed interview_submitted
        slack_joined registered precamp_joined""",
    ("bootcamp_short", 1): """landing_viewed cta_clicked first_applied document_passed
        slack_joined registered""",
    ("online", 1): """landing_viewed cta_clicked joined card_holder enrolled
        second_subject_paid""",
    ("onboarding", 1): "joined feature_used core_feature_used onboarding_completed",
    ("bootcamp_interview", 1): """document_passed interview_submitted provisionally_passed
        interview_passed slack_joined""",
    ("bootcamp_notification", 1): "notification_requested first_applied",
}

# At most this share of those who reached a stage may leave from it.
WITHDRAWALS = {
    "document_passed": 0.30,
    "interview_passed": 0.15,
    "slack_joined": 0.15,
    "registered": 0.03,
    "provisionally_passed": 0.25,
    "precamp_joined": 0.10,
    "inquiry": 0.05,
}


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Load what is shipped."""
    return load_plan(Path(__file__).parents[2] / "schemas")


@pytest.fixture(scope="module")
def funnels(plan: Plan) -> dict[tuple[str, int], Funnel]:
    """Give the shipped funnels by name and version."""
    return {(funnel.funnel, funnel.version): funnel for funnel in plan.funnels}


def test_each_funnel_has_the_steps_of_its_product(
    funnels: dict[tuple[str, int], Funnel],
) -> None:
    """The steps stand in the order in which people take them."""
    steps = {
        key: [stage.stage for stage in funnel.stages if not stage.terminal]
        for key, funnel in funnels.items()
    }
    assert steps == {key: names.split() for key, names in STEPS.items()}


def test_a_stage_means_the_same_in_every_funnel(plan: Plan) -> None:
    """A stage of one name has one label, but where a payment is the registration."""
    names = sorted({(stage.stage, stage.label) for f in plan.funnels for stage in f.stages})
    labels = {name: [x for _, x in found] for name, found in groupby(names, lambda x: x[0])}
    assert {name: found for name, found in labels.items() if len(found) > 1} == {
        "registered": ["HRD-NET 등록", "최종등록"]
    }


def test_the_short_funnel_counts_as_the_weekly_sheet(
    funnels: dict[tuple[str, int], Funnel],
) -> None:
    """Its registration is the completed payment, its lead the document pass."""
    rules = funnels["bootcamp_short", 1].rules()
    events = {rule.stage: rule.event_name for rule in rules if rule.kind == "step"}
    assert events == {
        "landing_viewed": "page_viewed",
        "cta_clicked": "cta_clicked",
        "first_applied": "first_application_submitted",
        "document_passed": "document_passed",
        "slack_joined": "slack_joined",
        "registered": "payment_completed",
    }
    assert [rule.stage for rule in rules if rule.lead] == ["document_passed"]


def test_each_withdrawal_of_the_short_funnel_enters_one_stage(
    funnels: dict[tuple[str, int], Funnel],
) -> None:
    """Withdrawals after registration stand apart from all others, each with its reason."""
    rules = [rule for rule in funnels["bootcamp_short", 1].rules() if rule.kind == "withdrawn"]
    assert {rule.stage: rule.conditions for rule in rules} == {
        "withdrawn_after_registration": [("stage", "is", ['"registered"'])],
        "withdrawn": [("stage", "not", ['"registered"'])],
    }
    assert {rule.reads["detail"] for rule in rules} == {"reason"}


def test_the_second_version_leaves_out_who_stopped_answering(
    funnels: dict[tuple[str, int], Funnel],
) -> None:
    """The version with the pre-camp excludes withdrawals for want of an answer; the first none."""
    excluded = [
        (rule.event_name, rule.conditions)
        for rule in funnels["bootcamp_state", 2].rules()
        if rule.kind == "excluded"
    ]
    assert excluded == [("withdrawn", [("reason", "is", ['"no_answer"'])])]
    assert funnels["bootcamp_state", 1].exclude == ()


def test_either_registration_reaches_the_stage(funnels: dict[tuple[str, int], Funnel]) -> None:
    """Registered by the staff or on HRD-NET is one stage."""
    rules = funnels["bootcamp_state", 2].rules()
    events = [rule.event_name for rule in rules if rule.stage == "registered"]
    assert events == ["registered", "hrd_net_registered"]


def test_the_onboarding_says_what_counts(funnels: dict[tuple[str, int], Funnel]) -> None:
    """Start, value, activation within a week and completion stand in the plan, and its counts."""
    funnel = funnels["onboarding", 1]
    roles = {stage.role: (stage.stage, stage.within_days) for stage in funnel.stages}
    assert roles == {
        "start": ("joined", 0),
        "value": ("feature_used", 0),
        "activation": ("core_feature_used", 7),
        "completion": ("onboarding_completed", 0),
    }
    assert {measure.measure: measure.reenter for measure in funnel.measures} == {
        "activity": "daily",
        "feature": "always",
        "effort": "always",
        "ticket": "always",
    }


def test_revenue_of_a_product_stands_in_one_funnel(plan: Plan) -> None:
    """A sum over a product's funnels counts no payment twice."""
    products = [
        funnel.product
        for funnel in plan.funnels
        for measure in funnel.measures
        if measure.measure == "revenue"
    ]
    assert sorted(products) == ["hanghae99", "nbcamp", "nbonline"]


@pytest.mark.parametrize("measure", ["message_sent", "message_clicked"])
def test_messages_keep_campaign_and_cluster(plan: Plan, measure: str) -> None:
    """Results of messages are told by campaign and cluster, in every funnel that messages move."""
    rules = [rule for funnel in plan.funnels for rule in funnel.rules() if rule.stage == measure]
    assert {(rule.funnel, rule.reads["detail"], rule.reads["cluster"]) for rule in rules} == {
        (funnel, "campaign", "cluster")
        for funnel in ("bootcamp_short", "bootcamp_state", "hanghae", "online")
    }


def test_the_withdrawal_shares_are_targets(plan: Plan) -> None:
    """Each share that the team allows stands in the plan, the same in every funnel."""
    shares = {(t.stage, t.value) for t in plan.targets if t.metric == "withdrawals"}
    assert shares == set(WITHDRAWALS.items())


@pytest.mark.parametrize(
    ("funnel", "metric", "stage", "period", "role", "value"),
    [
        ("hanghae", "revenue", "", "month", "target", 415_000_000),
        ("hanghae", "entries", "paid", "intake", "target", 100),
        ("bootcamp_notification", "entries", "notification_requested", "total", "target", 500),
        ("bootcamp_notification", "cost", "notification_requested", "week", "guardrail", 120_000),
        ("bootcamp_state", "inquiries", "", "week", "target", 40),
        ("bootcamp_state", "lac", "document_passed", "week", "target", 450_000),
        ("bootcamp_short", "conversion", "registered", "week", "target", 0.65),
        ("bootcamp_short", "conversion", "registered", "week", "guardrail", 0.60),
    ],
)
def test_a_figure_of_the_team_is_a_target(  # noqa: PLR0913, PLR0917 -- a table's columns
    plan: Plan, funnel: str, metric: str, stage: str, period: str, role: str, value: float
) -> None:
    """Amounts, counts and the goal of those in Slack stand under their period and role."""
    key = (funnel, metric, stage, period, role)
    found = [
        target.value
        for target in plan.targets
        if (target.funnel, target.metric, target.stage, target.period, target.role) == key
    ]
    assert found == [value]


def test_the_action_wants_the_goal_of_those_in_slack(plan: Plan) -> None:
    """Its figures are the team's: two weeks from the first of July, 65 % and not below 60 %."""
    (action,) = plan.actions
    assert (action.starts_on, action.window_days) == (date(2024, 7, 1), 14)
    assert (action.audience, action.from_stage, action.stage) == (
        "slack_joined",
        "slack_joined",
        "registered",
    )
    assert (action.success, action.guardrail) == (0.65, 0.60)
