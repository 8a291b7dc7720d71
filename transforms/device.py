"""Owns the device columns: class, operating system and browser, read from a user agent."""

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from ua_parser import OS, Result, UserAgent, parse

from funnelhouse.transforms.bot import is_bot

DeviceClass = Literal["desktop", "mobile", "tablet", "tv", "bot", "other", "unknown"]

_LONGEST_USER_AGENT = 1_024
_ROBOT_FAMILY = "Spider"  # what the parser's data calls every robot's device
_TV = re.compile(
    r"smart-?tv|\btv\b|hbbtv|googletv|appletv|apple tv|web0s|netcast|bravia|crkey|roku|\baft[a-z]",
    re.IGNORECASE,
)
_TABLET = re.compile(r"ipad|tablet|kindle|playbook|\bsilk/|\bkf[a-z]{2,}", re.IGNORECASE)
_MOBILE_OS = frozenset({"iOS", "Android", "Windows Phone", "BlackBerry OS", "KaiOS", "Tizen"})
_DESKTOP_OS = re.compile(
    r"Windows(?! (?:Phone|Mobile|CE)).*|Mac OS.*|Linux|Chrome OS|.*BSD|Solaris"
    r"|Ubuntu|Debian|Fedora|Red Hat|CentOS|SUSE|Gentoo|Mandriva|Slackware|Arch Linux|Linux Mint"
)
# Korean apps' own browsers, which the parser's data reads as the engine below them.
_IN_APP = (
    ("KakaoTalk", re.compile(r"KAKAOTALK[ /]?([\d.]*)")),
    ("Naver", re.compile(r"NAVER\(inapp;[^;)]*;[^;)]*; ?([\d.]*)")),
    ("Daum", re.compile(r"DaumApps/([\d.]*)")),
    ("Band", re.compile(r"\bBAND/([\d.]*)")),
)


class Device(NamedTuple):
    """What a user agent says; "" where it does not."""

    device_class: DeviceClass
    os: str
    os_version: str
    browser: str
    browser_version: str


NO_DEVICE = Device("unknown", "", "", "", "")


def read_device(user_agent: str) -> Device:
    """Class, operating system and browser, by ua-parser's maintained regular expressions.

    Versions are "major.minor.patch" as far as sent. `bot` is every user agent that `is_bot` or
    the parser calls a robot, `unknown` an empty one, `other` what is read but fits no class. An
    iPad that asks for desktop pages says it is a Mac, and is a desktop here. Only the first
    1,024 characters are read.
    """
    return _read(user_agent[:_LONGEST_USER_AGENT])


@lru_cache(maxsize=4_096)
def _read(user_agent: str) -> Device:
    if not user_agent.strip():
        return NO_DEVICE
    # The parser is Rust and takes no lone surrogates.
    user_agent = user_agent.encode("utf-8", "replace").decode("utf-8")
    result = parse(user_agent)
    in_app = _in_app(user_agent)
    return Device(
        _device_class(user_agent, result),
        result.os.family if result.os else "",
        _version(result.os),
        in_app[0] or (result.user_agent.family if result.user_agent else ""),
        in_app[1] if in_app[0] else _version(result.user_agent),
    )


def _in_app(user_agent: str) -> tuple[str, str]:
    for app, pattern in _IN_APP:
        if match := pattern.search(user_agent):
            return app, match[1]
    return "", ""


def _device_class(user_agent: str, result: Result) -> DeviceClass:
    family = result.device.family if result.device else ""
    os = result.os.family if result.os else ""
    if family == _ROBOT_FAMILY or is_bot(user_agent):
        return "bot"
    if _TV.search(user_agent):
        return "tv"
    if _TABLET.search(user_agent) or (os == "Android" and _is_android_tablet(user_agent)):
        return "tablet"
    if os in _MOBILE_OS:
        return "mobile"
    return "desktop" if _DESKTOP_OS.fullmatch(os) else "other"


def _is_android_tablet(user_agent: str) -> bool:
    """Browsers on Android phones say Mobile, on tablets they do not; apps' clients say neither.

    Source: Chrome for Developers, "User-Agent strings", Android.
    """
    return user_agent.startswith("Mozilla/") and "Mobile" not in user_agent


def _version(part: OS | UserAgent | None) -> str:
    if part is None:
        return ""
    numbers = (part.major, part.minor, part.patch)
    return ".".join(number for number in numbers if number)
