import pytest

from funnelhouse.transforms.device import Device, read_device

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
IPAD = "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X)"
IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) {SAFARI}"
GALAXY = f"Mozilla/5.0 (Linux; Android 14; SM-S928N) {WEBKIT}"


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/127.0.0.0 Safari/537.36",
            Device("desktop", "Windows", "10", "Chrome", "127.0.0"),
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Whale/3.27.254.15",
            Device("desktop", "Windows", "10", "Whale", "3.27.254"),
        ),
        (
            f"{MAC} {SAFARI} Version/17.5 Safari/605.1.15",
            Device("desktop", "Mac OS X", "10.15.7", "Safari", "17.5"),
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            Device("desktop", "Linux", "", "Firefox", "128.0"),
        ),
        (
            f"{GALAXY} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
            Device("mobile", "Android", "14", "Samsung Internet", "25.0"),
        ),
        (
            f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1",
            Device("mobile", "iOS", "17.5.1", "Mobile Safari", "17.5"),
        ),
        (
            f"{IPHONE} Mobile/15E148 KAKAOTALK 10.8.3 (INAPP)",
            Device("mobile", "iOS", "17.5.1", "KakaoTalk", "10.8.3"),
        ),
        (
            f"{GALAXY} Version/4.0 Chrome/126.0.6478.186 Mobile Safari/537.36;KAKAOTALK 2410630",
            Device("mobile", "Android", "14", "KakaoTalk", "2410630"),
        ),
        (
            f"{IPHONE} Mobile/15E148 Safari/604.1 NAVER(inapp; search; 2010; 12.7.2; 14PRO)",
            Device("mobile", "iOS", "17.5.1", "Naver", "12.7.2"),
        ),
        (
            f"{IPHONE} Mobile/21F90 Instagram 340.0.3.27.90 (iPhone15,2; iOS 17_5_1; ko_KR)",
            Device("mobile", "iOS", "17.5.1", "Instagram", "340.0.3"),
        ),
        (
            "Dalvik/2.1.0 (Linux; U; Android 13; SM-S911N Build/TP1A.220624.014)",
            Device("mobile", "Android", "13", "Android", "13"),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 13; SM-X710) {WEBKIT} Chrome/127.0.0.0 Safari/537.36",
            Device("tablet", "Android", "13", "Chrome", "127.0.0"),
        ),
        (
            f"{IPAD} {SAFARI} Version/16.6 Mobile/15E148 Safari/604.1",
            Device("tablet", "iOS", "16.6", "Mobile Safari", "16.6"),
        ),
        (
            f"Mozilla/5.0 (Web0S; Linux/SmartTV) {WEBKIT} Chrome/79.0.3945.79 Safari/537.36",
            Device("tv", "Web0S", "", "Chrome", "79.0.3945"),
        ),
        (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            Device("bot", "", "", "Googlebot", "2.1"),
        ),
        ("okhttp/4.9.2", Device("bot", "", "", "okhttp", "4.9.2")),
        ("kiosk of the lobby", Device("other", "", "", "", "")),
        ("", Device("unknown", "", "", "", "")),
        (" ", Device("unknown", "", "", "", "")),
    ],
)
def test_device(user_agent: str, expected: Device) -> None:
    """A user agent's class, system and browser are what the maker of each says of it."""
    assert read_device(user_agent) == expected


def test_only_the_beginning_is_read() -> None:
    """What stands past the first 1,024 characters says nothing."""
    assert read_device(f"{GALAXY} Mobile".ljust(1_024) + "KAKAOTALK 1").browser != "KakaoTalk"


def test_lone_surrogate() -> None:
    """A character that no encoding can carry does not hide the rest."""
    assert read_device(f"{GALAXY} Chrome/127.0.0.0 Mobile \ud800").device_class == "mobile"
