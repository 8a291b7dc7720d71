"""A web server's combined log as page calls: each line is one visit to a page."""

import gzip
import re
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

# The log names no host; the referrers of its own pages do.
_SITE = "http://semicomplete.com"
_NOTHING = "-"
# Apache's mod_log_config, "combined": a quote inside a quoted field is written as \".
_QUOTED = r'(?:[^"\\]|\\.)*'
# The last quote may lack: a line cut short at its end is still a visit, and its user agent is
# what is left of the line.
_LINE = re.compile(
    r"(?P<address>\S+) \S+ \S+ \[(?P<time>[^]]+)\]"
    r' "(?P<method>\S+) (?P<target>\S+) \S+" (?P<status>\d{3}) (?P<bytes>\d+|-)'
    rf' "(?P<referrer>{_QUOTED})" "(?P<user_agent>{_QUOTED})"?'
)


def calls(file: Path) -> Iterator[dict[str, Any]]:
    """Page calls of a gzipped combined log in its order, with the line's number as message id.

    Raises:
        ValueError: a line is no line of a combined log.
    """
    with gzip.open(file, "rt", encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            match = _LINE.fullmatch(line.rstrip("\n"))
            if match is None:
                raise ValueError(f"line {number} is not of the combined log format")
            yield _call(number, match.groupdict())


def _call(number: int, fields: dict[str, str]) -> dict[str, Any]:
    """One visit; bytes and referrer stay away where the log has a dash.

    A dash as user agent is kept, since the sender's own would stand for one that is missing.
    """
    page = {"url": _SITE + fields["target"]}
    if fields["referrer"] != _NOTHING:
        page["referrer"] = fields["referrer"]
    properties = {"method": fields["method"], "status": int(fields["status"])}
    if fields["bytes"] != _NOTHING:
        properties["bytes"] = int(fields["bytes"])
    return {
        "type": "page",
        "messageId": f"apache_log-{number}",
        "anonymousId": _visitor(fields["address"], fields["user_agent"]),
        "timestamp": datetime.strptime(fields["time"], "%d/%b/%Y:%H:%M:%S %z").isoformat(),
        "context": {"userAgent": fields["user_agent"], "page": page},
        "properties": properties,
    }


def _visitor(address: str, user_agent: str) -> str:
    """A browser behind an address: 32 hexadecimal digits, so that the address is not sent."""
    return sha256(f"{address}\0{user_agent}".encode()).hexdigest()[:32]
