"""The tokens of a statement as the engine writes it: words, quoted names, texts, numbers, signs.

It reads the engine's own writing, never a stranger's: there are no comments in it, and what it
quotes it escapes by backslashes.
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<text>'(?:[^'\\]|\\.)*')
    |(?P<quoted>`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")
    |(?P<number>\d[\w.]*)
    |(?P<word>[^\W\d]\w*)
    |(?P<space>\s+)
    |(?P<sign>->|.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its kind (text, quoted, number, word or sign), and how it is written."""

    kind: str
    text: str

    @property
    def is_sign(self) -> bool:
        """Whether it is neither a name nor a value."""
        return self.kind == "sign"

    @property
    def name(self) -> str:
        """Give the name that a word or a quoted name stands for, as far as it is a plain one."""
        return self.text.strip('`"')


def read_tokens(text: str) -> list[Token]:
    """Cut a statement of the engine's own writing into tokens, spaces left out."""
    return [
        Token(match.lastgroup or "", match[0])
        for match in _TOKEN.finditer(text)
        if match.lastgroup != "space"
    ]
