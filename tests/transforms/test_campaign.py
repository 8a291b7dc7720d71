from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelhouse.transforms.campaign import (
    CLICK_IDS,
    NO_CAMPAIGN,
    Campaign,
    merge_campaign,
    read_campaign,
)

unhurried = settings(deadline=None)  # a busy machine is no fault

UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id")


def test_all_parameters() -> None:
    """Each utm parameter and the click id have their field."""
    query = "utm_source=a&utm_medium=b&utm_campaign=c&utm_term=d&utm_content=e&utm_id=f&gclid=g"
    assert read_campaign(query) == Campaign("a", "b", "c", "d", "e", "f", "g", "gclid")


@pytest.mark.parametrize(
    ("query", "source"),
    [
        ("utm_source=naver", "naver"),
        ("?utm_source=naver", "naver"),
        ("UTM_Source=Naver", "Naver"),
        ("utm%5Fsource=naver", "naver"),
        ("x=1&amp;utm_source=naver", "naver"),
        ("utm_source=%EB%84%A4%EC%9D%B4%EB%B2%84", "네이버"),
        ("utm_source=네이버", "네이버"),
        ("utm_source=naver+blog", "naver blog"),
        ("utm_source=a%2Bb%26c", "a+b&c"),
        ("utm_source=a=b", "a=b"),
        ("utm_source=%20naver%20", "naver"),
        ("utm_source=%FF", "\ufffd"),
        ("utm_source=100%", "100%"),
        ("utm_source=first&utm_source=second", "first"),
        ("utm_source=&utm_source=second", "second"),
        ("utm_source", ""),
        ("my_utm_source=naver", ""),
        ("utm_sourcex=naver", ""),
    ],
)
def test_source(query: str, source: str) -> None:
    """Keys match in any case, the first value that is not blank counts and is decoded."""
    assert read_campaign(query).source == source


@pytest.mark.parametrize("kind", CLICK_IDS)
def test_click_id(kind: str) -> None:
    """Each click id is read as sent, with the lower-case name of its parameter."""
    campaign = read_campaign(f"x=1&{kind.upper()}=Cj0KC-Ab_9")
    assert campaign == Campaign(click_id="Cj0KC-Ab_9", click_id_kind=kind)


def test_naver_click_id() -> None:
    """Naver's NaPm is decoded whole."""
    campaign = read_campaign("NaPm=ct%3Dhf2bview%7Cci%3D0Gy1%7Ctr%3Dsa")
    assert campaign == Campaign(click_id="ct=hf2bview|ci=0Gy1|tr=sa", click_id_kind="napm")


def test_surest_click_id() -> None:
    """Of several click ids that of an advertisement wins over Meta's, whatever their order."""
    assert read_campaign("fbclid=m&gclid=g").click_id_kind == "gclid"


@pytest.mark.parametrize("query", ["", "?", "&", "=", "a=b&c", "utm_source=&gclid=%20", "utm_=x"])
def test_no_campaign(query: str) -> None:
    """A query without marks, or with blank ones, has no campaign."""
    assert read_campaign(query) == NO_CAMPAIGN


@unhurried
@given(st.lists(st.text().map(str.strip), min_size=6, max_size=6))
def test_what_a_browser_encodes(values: list[str]) -> None:
    """Whatever text is form-encoded into the parameters comes back."""
    assert list(read_campaign(urlencode(dict(zip(UTM, values, strict=True))))[:6]) == values


def test_context_fills() -> None:
    """Segment's context.campaign fills what the query lacks and overwrites nothing."""
    given_object = {"source": "fb", "medium": "cpc", "name": " 8기 ", "id": 42, "term": None}
    merged = merge_campaign(
        Campaign(source="naver", click_id="g", click_id_kind="gclid"), given_object
    )
    assert merged == Campaign("naver", "cpc", "8기", "", "", "42", "g", "gclid")


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "spring",
        7,
        [],
        {},
        {"source": None},
        {"source": {"a": 1}, "medium": True},
        {"name": 10**5000},
        {"Source": "fb", "click_id": "x"},
    ],
)
def test_odd_context(odd: object) -> None:
    """A context.campaign of another shape fills nothing."""
    assert merge_campaign(NO_CAMPAIGN, odd) == NO_CAMPAIGN
