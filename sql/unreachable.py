"""Says in one sentence why a ClickHouse server cannot be used, and what to mend."""

import re
from urllib.parse import urlsplit

OLDEST = (25, 8)
"""The oldest server that the tests name; whether an older one would do was not sought."""

_SIGNS = (
    ("CERTIFICATE_VERIFY_FAILED", "shows a certificate that is not trusted for this name; mend it"),
    ("SSL", "speaks no TLS at this port; write http://, or the port of its TLS"),
    ("Connection aborted", "answers no HTTP here; write https:// if the port wants TLS"),
    ("Failed to resolve", "has no address by this name; mend the host"),
    ("Connection refused", "is not there: nobody listens at this port; start it, or mend the port"),
    ("timed out", "does not answer in time; see that it runs and that no firewall is between"),
    ("AUTHENTICATION_FAILED", "refuses the user or the password; mend them"),
    ("ACCESS_DENIED", "lets this user not create or use the database; grant it"),
)
"""Part of an error's text, and what that says of the server; the first that fits counts."""


def why_unreachable(url: str, error: str) -> str:
    """Explain an error of the client; the password of the address is not repeated."""
    place = _place(url)
    for sign, told in _SIGNS:
        if sign in error:
            return f"The warehouse at {place} {told} (FUNNELHOUSE_WAREHOUSE)."
    return (
        f"The warehouse at {place} does not answer as a ClickHouse server; check that it runs, and"
        f" FUNNELHOUSE_WAREHOUSE ({error[:200]})."
    )


def why_too_old(url: str, version: str) -> str:
    """Say that a server of a version such as 24.3.1.1 must be upgraded; "" where it need not."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers >= OLDEST:
        return ""
    oldest = ".".join(map(str, OLDEST))
    return (
        f"The ClickHouse server at {_place(url)} has version {version}; upgrade it to {oldest} or"
        " newer."
    )


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else f"{parts.hostname}"
