"""Event names: how the plan spells them and how a sent spelling finds its plan name."""

import re
from unicodedata import normalize

_SEPARATORS = re.compile(r"[\W_]+")
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def fold(name: str) -> str:
    """Spell a sent name as the plan does: "CTA Clicked" and "ctaClicked" are cta_clicked."""
    words = _SEPARATORS.split(_WORD_STARTS.sub(" ", normalize("NFC", name)))
    return "_".join(filter(None, words)).casefold()


def match_key(name: str) -> str:
    """Give the key under which all spellings of one name meet: its letters and digits, casefolded.

    "HRDNet Registered", "HRD-NET Registered" and hrd_net_registered share a key, which no rule
    for word boundaries can reach. A name without a letter or digit has the empty key.
    """
    return "".join(filter(str.isalnum, normalize("NFC", normalize("NFC", name).casefold())))
