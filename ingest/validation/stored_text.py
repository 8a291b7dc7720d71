"""What is kept of a refused text: valid UTF-8, since it is handed out as JSON, up to a length."""

_LONGEST_CHARACTER = 4


def as_utf8(text: bytes) -> bytes:
    r"""Return the text as it is, or with each byte that is no UTF-8 written as `\xff`.

    That is no JSON either, so nobody takes it for what was meant.
    """
    try:
        text.decode()
    except UnicodeDecodeError:
        return text.decode("utf-8", "backslashreplace").encode()
    return text


def start_of(text: bytes, max_bytes: int) -> bytes:
    """Return the start of a text as UTF-8, of at most `max_bytes` and whole characters."""
    if len(text) <= max_bytes:
        return as_utf8(text)
    start = as_utf8(text[: max_bytes + _LONGEST_CHARACTER - 1])
    return start[:max_bytes].decode("utf-8", "ignore").encode()
