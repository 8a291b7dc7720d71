import gzip
import json
import os
import time
from pathlib import Path

import pytest

from funnelhouse.transforms.bot import is_bot

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)"
GALAXY = "Mozilla/5.0 (Linux; Android 14; SM-S928N Build/UP1A.231005.007; wv)"
DATA = Path(
    os.environ.get("FUNNELHOUSE_TEST_DATA", Path(__file__).parents[2].parent / "shared" / "data")
)


def _examples() -> list[str]:
    path = DATA / "crawler-user-agents.json.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not there: set FUNNELHOUSE_TEST_DATA to its folder")
    with gzip.open(path) as file:
        return [example for robot in json.load(file) for example in robot["instances"]]


def test_every_known_example() -> None:
    """Every example user agent of the published list is a robot."""
    examples = _examples()
    assert len(examples) == 2_116
    assert [example for example in examples if not is_bot(example)] == []


@pytest.mark.parametrize(
    "user_agent",
    [
        f"{WINDOWS} {WEBKIT} Chrome/127.0.0.0 Safari/537.36",
        f"{WINDOWS} {WEBKIT} Chrome/126.0.0.0 Whale/3.27.254.15 Safari/537.36",
        f"{MAC} {SAFARI} Version/17.5 Safari/605.1.15",
        f"{IPHONE} {SAFARI} Version/17.5 Mobile/15E148 Safari/604.1",
        f"{GALAXY} {WEBKIT} Chrome/127.0.0.0 Mobile Safari/537.36",
        f"{GALAXY} {WEBKIT} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        f"{GALAXY} {WEBKIT} Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36;KAKAOTALK 2410630",
        f"{IPHONE} {SAFARI} Mobile/15E148 KAKAOTALK 10.8.3 (INAPP)",
        f"{IPHONE} {SAFARI} Mobile/15E148 NAVER(inapp; search; 2010; 12.7.2; 14PRO)",
        f"{GALAXY} {WEBKIT} Version/4.0 Mobile Safari/537.36 DaumApps/7.3.0 DaumDevice/mobile",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "",
    ],
)
def test_people(user_agent: str) -> None:
    """Browsers, in-app browsers of Korean apps and an empty user agent are no robots."""
    assert not is_bot(user_agent)


def test_two_thousand_distinct() -> None:
    """2,000 user agents never seen before are judged in well under 10 s of processor time."""
    agents = [f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/{n}.0" for n in range(2_000)]
    started = time.process_time()
    assert not any(is_bot(agent) for agent in agents)
    assert time.process_time() - started < 5


def test_hostile_length() -> None:
    """Text made to stall a pattern that looks for two words is cut before it can."""
    started = time.process_time()
    is_bot("ContextualBot" * 80_000)
    assert time.process_time() - started < 1


def test_an_address_makes_a_robot() -> None:
    """A user agent that named an e-mail address is a robot's, and stays one once that is hashed."""
    assert is_bot(f"Mozilla/5.0 (compatible; Ezooms/1.0; hmac-sha256:{'0' * 64})")
