import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelhouse.schemas.names import fold, match_key

SPELLINGS = [
    ("CTA Clicked", "cta_clicked"),
    ("cta-clicked", "cta_clicked"),
    ("ctaClicked", "cta_clicked"),
    ("CtaClicked", "cta_clicked"),
    ("CTAClicked", "cta_clicked"),
    ("Cta.Clicked", "cta_clicked"),
    (" cta  clicked ", "cta_clicked"),
    ("CTA_CLICKED", "cta_clicked"),
    ("cta_clicked", "cta_clicked"),
    ("HRDNet Registered", "hrd_net_registered"),
    ("HRD-NET Registered", "hrd_net_registered"),
    ("Experiment Viewed", "experiment_viewed"),
    ("사전알림 신청", "사전알림_신청"),
    ("", ""),
    ("!?", ""),
]


@pytest.mark.parametrize(("sent", "plan"), SPELLINGS)
def test_fold_spells_as_the_plan(sent: str, plan: str) -> None:
    """Case and separators of a sent name fold to the plan's snake_case."""
    assert fold(sent) == plan


@pytest.mark.parametrize(("sent", "plan"), [*SPELLINGS, ("HRDNETREGISTERED", "hrd_net_registered")])
def test_spellings_share_a_key(sent: str, plan: str) -> None:
    """A sent spelling has the key of the plan's name, word boundaries or not."""
    assert match_key(sent) == match_key(plan)


def test_different_names_have_different_keys() -> None:
    """Names that differ in a letter or digit do not meet."""
    assert len({match_key(name) for name in ("joined", "rejoined", "joined2", "합류")}) == 4


def test_decomposed_hangul_meets_composed() -> None:
    """The same Korean name typed on another system, in decomposed letters, has the same key."""
    composed, decomposed = "합류", "\u1112\u1161\u11b8\u1105\u1172"
    assert match_key(decomposed) == match_key(composed) == composed


@given(st.text())
def test_any_text_has_a_key_of_letters_and_digits(name: str) -> None:
    """Whatever is sent, the key is letters and digits only, or empty."""
    key = match_key(name)
    assert key.isalnum() or not key


@given(st.text())
def test_folding_keeps_the_ascii_key(name: str) -> None:
    """Folding never changes which plan name is met."""
    ascii_name = name.encode("ascii", "ignore").decode()
    assert match_key(fold(ascii_name)) == match_key(ascii_name)
