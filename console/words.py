"""The console's words in English and Korean."""

from collections.abc import Mapping
from pathlib import Path

import yaml

LANGUAGES = ("en", "ko")

_KOREAN: Mapping[str, str] = yaml.safe_load(
    (Path(__file__).parent / "korean.yaml").read_text(encoding="utf-8")
)


def language(asked: str, accepted: str) -> str:
    """Choose a language: the one asked for, else the first accepted one that there is."""
    if asked in LANGUAGES:
        return asked
    for one in accepted.lower().split(","):
        code = one.strip().split(";")[0].split("-")[0]
        if code in LANGUAGES:
            return code
    return LANGUAGES[0]


def word(text: str, of: str) -> str:
    """Give a text in a language; one that has no translation stays as it is."""
    return _KOREAN.get(text, text) if of == "ko" else text
