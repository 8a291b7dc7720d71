"""Makes text of a body that no protocol could read."""

import codecs
import re

_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HANGUL = re.compile(r"[\uac00-\ud7a3]")
_KOREAN = re.compile(r"[\x00-\x7f\u3131-\u3163\uac00-\ud7a3]*+")
_TEXT = frozenset(b"\t\n\r\f\x1b")
_MOST_CONTROLS = 0.02
_LONGEST_CHARACTER = 4
_SHORTEST_OF_ZEROS = 8


def readable_text(body: bytes, most_bytes: int) -> str:
    r"""Return the start of a body as text; of one that is no text only its length is told.

    UTF-8, UTF-16 and UTF-32 are told by their marks or by their zeros, the Korean code page 949 by
    being no UTF-8. Other bytes that are no UTF-8 are written as `\xff`.
    """
    start = body[:most_bytes]
    for mark, encoding in _ENCODINGS:
        if start.startswith(mark):
            return start.decode(encoding, "replace")
    zeros = start.count(0)
    if zeros * 3 >= len(start) >= _SHORTEST_OF_ZEROS:
        text = start.decode("utf-16-be" if start[0] == 0 else "utf-16-le", "replace")
        start = text.encode("utf-8", "replace")
    if not _is_text(start):
        return f"({len(body)} bytes that are no text)"
    return _decoded(start, cut=len(body) > most_bytes)


def _decoded(text: bytes, *, cut: bool) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        if cut and error.start >= len(text) - _LONGEST_CHARACTER:
            return text[: error.start].decode()
    korean = text.decode("cp949", "ignore")
    if _HANGUL.search(korean) and _KOREAN.fullmatch(korean):
        return korean
    return text.decode("utf-8", "backslashreplace")


def _is_text(data: bytes) -> bool:
    controls = len(data) - len(data.translate(None, _CONTROLS))
    return controls <= max(1, len(data) * _MOST_CONTROLS)


_CONTROLS = bytes(c for c in range(32) if c not in _TEXT)
