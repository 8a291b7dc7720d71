from pathlib import Path

import pytest
import yaml

from funnelhouse.transforms import referrer as referrer_module
from funnelhouse.transforms.campaign import CLICK_IDS, NO_CAMPAIGN, Campaign
from funnelhouse.transforms.referrer import channel

HOME = "plus.spartacodingclub.kr"


@pytest.mark.parametrize(
    ("referrer", "expected", "source"),
    [
        ("", "direct", ""),
        ("about:client", "direct", ""),
        ("null", "direct", ""),
        ("https://search.naver.com/search.naver?query=x", "organic_search", "naver"),
        ("https://m.search.naver.com/", "organic_search", "naver"),
        ("https://m.naver.com/", "organic_search", "naver"),
        ("https://search.daum.net/search?q=x", "organic_search", "daum"),
        ("https://www.google.com/", "organic_search", "google"),
        ("https://www.google.co.kr/", "organic_search", "google"),
        ("https://www.bing.com/", "organic_search", "bing"),
        ("https://search.yahoo.co.jp/", "organic_search", "yahoo"),
        ("android-app://com.google.android.googlequicksearchbox/", "organic_search", "google"),
        ("https://m.blog.naver.com/someone/1", "organic_social", "naver_blog"),
        ("https://cafe.naver.com/f-e/cafes/1", "organic_social", "naver_cafe"),
        ("https://someone.tistory.com/1", "organic_social", "tistory"),
        ("https://brunch.co.kr/@someone/1", "organic_social", "brunch"),
        ("https://band.us/band/1", "organic_social", "band"),
        ("https://cafe.daum.net/x", "organic_social", "daum_cafe"),
        ("https://l.instagram.com/?u=x", "organic_social", "instagram"),
        ("android-app://com.instagram.android/", "organic_social", "instagram"),
        ("https://lm.facebook.com/", "organic_social", "facebook"),
        ("https://t.co/abc", "organic_social", "x"),
        ("https://x.com/", "organic_social", "x"),
        ("https://www.linkedin.com/", "organic_social", "linkedin"),
        ("https://l.threads.com/", "organic_social", "threads"),
        ("https://www.tiktok.com/", "organic_social", "tiktok"),
        ("https://m.youtube.com/", "video", "youtube"),
        ("https://tv.naver.com/v/1", "video", "naver_tv"),
        ("android-app://com.kakao.talk", "messenger", "kakaotalk"),
        ("https://pf.kakao.com/_x", "messenger", "kakao"),
        ("https://app.slack.com/", "messenger", "slack"),
        ("https://discord.com/channels/1", "messenger", "discord"),
        ("https://web.telegram.org/", "messenger", "telegram"),
        ("https://line.me/", "messenger", "line"),
        ("https://mail.google.com/", "email", "gmail"),
        ("https://mail.naver.com/", "email", "naver_mail"),
        ("https://chatgpt.com/", "referral", "chatgpt"),
        ("https://www.perplexity.ai/", "referral", "perplexity"),
        ("https://docs.google.com/", "referral", "google_docs"),
        ("https://www.work24.go.kr/", "referral", "hrd_net"),
        ("https://news.example.co.kr/1", "referral", "example.co.kr"),
        ("https://notgoogle.com/", "referral", "notgoogle.com"),
        ("https://naver.com.example.kr/", "referral", "example.kr"),
        ("https://google.example.com/", "referral", "example.com"),
        ("https://spartacodingclub.kr/", "internal", ""),
        ("https://WWW.spartacodingclub.kr:443/x", "internal", ""),
    ],
)
def test_referrer(referrer: str, expected: str, source: str) -> None:
    """Without a campaign the referring host tells the channel and the source."""
    found = channel(HOME, referrer, NO_CAMPAIGN)
    assert (found.channel, found.referrer_source) == (expected, source)


def test_referrer_host() -> None:
    """The referring host is given as the URL has it, in lower case and without port."""
    found = channel(HOME, "https://M.Search.Naver.com:443/?q", NO_CAMPAIGN)
    assert found.referrer_host == "m.search.naver.com"


@pytest.mark.parametrize(
    ("source", "medium", "expected"),
    [
        ("naver", "cpc", "paid_search"),
        ("google", "ppc", "paid_search"),
        ("search.naver.com", "paid", "paid_search"),
        ("example", "cpc", "paid_search"),
        ("example", "paid_search", "paid_search"),
        ("facebook", "cpc", "paid_social"),
        ("ig", "paid", "paid_social"),
        ("instagram", "paid_social", "paid_social"),
        ("google", "paid-social", "paid_social"),
        ("kakao", "cpm", "paid_social"),
        ("example", "display", "paid_social"),
        ("facebook", "ads", "paid_social"),
        ("youtube", "cpv", "video"),
        ("youtube", "", "video"),
        ("example", "video", "video"),
        ("YouTube", "Referral", "video"),
        ("naver", "", "organic_search"),
        ("google", "organic", "organic_search"),
        ("example", "organic", "organic_search"),
        ("facebook", "organic", "organic_social"),
        ("instagram", "profile", "organic_social"),
        ("naver", "blog", "organic_social"),
        ("example", "social-media", "organic_social"),
        ("x.com", "post", "organic_social"),
        ("stibee", "email", "email"),
        ("newsletter", "", "email"),
        ("naver", "e-mail", "email"),
        ("crm", "sms", "crm"),
        ("crm", "LMS", "crm"),
        ("hanghae", "kakao", "crm"),
        ("kakao", "alimtalk", "crm"),
        ("kakao", "알림톡", "crm"),
        ("app", "app_push", "crm"),
        ("sms", "", "crm"),
        ("slack", "", "messenger"),
        ("kakao", "channel", "messenger"),
        ("example", "referral", "referral"),
        ("example", "leads", "referral"),
        ("example", "", "referral"),
        ("", "banner", "paid_social"),
        ("(direct)", "(none)", "direct"),
    ],
)
def test_utm(source: str, medium: str, expected: str) -> None:
    """utm_medium, then utm_source, tell the channel in the manner of GA4."""
    found = channel(HOME, "", Campaign(source=source, medium=medium))
    assert found.channel == expected


def test_utm_wins() -> None:
    """A campaign decides over referrer and click id, and the referrer is kept beside it."""
    campaign = Campaign(source="stibee", medium="email", click_id="g", click_id_kind="gclid")
    found = channel(HOME, "https://m.youtube.com/", campaign)
    assert found == ("email", "m.youtube.com", "youtube")


@pytest.mark.parametrize(
    ("kind", "expected", "source"),
    [
        ("gclid", "paid_search", "google"),
        ("gbraid", "paid_search", "google"),
        ("wbraid", "paid_search", "google"),
        ("msclkid", "paid_search", "bing"),
        ("napm", "paid_search", "naver"),
        ("n_ad", "paid_search", "naver"),
        ("ttclid", "paid_social", "tiktok"),
        ("twclid", "paid_social", "x"),
        ("li_fat_id", "paid_social", "linkedin"),
        ("fbclid", "organic_social", "facebook"),
    ],
)
def test_click_id(kind: str, expected: str, source: str) -> None:
    """A click id alone tells network and channel; Meta's, on unpaid posts too, is no payment."""
    found = channel(HOME, "", Campaign(click_id="x", click_id_kind=kind))
    assert found == (expected, "", source)


def test_click_id_over_referrer() -> None:
    """A click on an advertisement is paid though the search engine's referrer looks organic."""
    campaign = Campaign(click_id="x", click_id_kind="napm")
    assert channel(HOME, "https://search.naver.com/", campaign).channel == "paid_search"


def test_campaign_over_internal() -> None:
    """A link within the site that carries a campaign counts as the campaign's."""
    campaign = Campaign(source="crm", medium="sms")
    assert channel(HOME, "https://spartacodingclub.kr/", campaign).channel == "crm"


def test_neighbours_on_oopy() -> None:
    """Another customer's guide on oopy.io is a referral, the own one is internal."""
    assert channel("team.oopy.io", "https://other.oopy.io/", NO_CAMPAIGN).channel == "referral"
    assert channel("team.oopy.io", "https://team.oopy.io/x", NO_CAMPAIGN).channel == "internal"


def test_search_engine_of_ones_own() -> None:
    """A page on a shared host of a known service is not internal to that service's other pages."""
    found = channel("me.tistory.com", "https://you.tistory.com/1", NO_CAMPAIGN)
    assert found.channel == "organic_social"


def test_every_click_id_has_a_network() -> None:
    """The click ids that a query is read for are those of the table."""
    table = Path(referrer_module.__file__).with_name("channels.yaml").read_text("utf-8")
    assert set(yaml.safe_load(table)["click_ids"]) == set(CLICK_IDS)


def test_a_source_is_of_one_kind() -> None:
    """No source stands in the host table under two kinds."""
    pairs = set(referrer_module._HOSTS.values())  # noqa: SLF001  # the table has no other reader
    assert len(pairs) == len({source for source, _ in pairs})
    assert {kind for _, kind in pairs} == set(referrer_module._UNPAID)  # noqa: SLF001  # as above
