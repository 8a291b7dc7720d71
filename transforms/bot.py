"""Owns the verdict whether a user agent names a known robot."""

from functools import lru_cache

from crawleruseragents import is_crawler

_REDACTED = "hmac-sha256:"
# Robots name themselves early; the cut keeps patterns and cache small on hostile input.
_LONGEST_USER_AGENT = 1_024


def is_bot(user_agent: str) -> bool:
    """Whether the list crawler-user-agents (monperrus, MIT) knows the user agent as a robot.

    So is one that named an e-mail address, which stands there as its hash: robots name their
    owners, and browsers nobody. An empty user agent is none: servers send events without one. Only
    the first 1,024 characters are read.
    """
    return _is_bot(user_agent[:_LONGEST_USER_AGENT])


@lru_cache(maxsize=4_096)
def _is_bot(user_agent: str) -> bool:
    return bool(user_agent) and (_REDACTED in user_agent or bool(is_crawler(user_agent)))
