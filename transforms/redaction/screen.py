"""Says at the speed of a scan whether a text can hold anything that a redactor would replace.

Hardly any event does.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from threading import get_ident

import hyperscan

from funnelhouse.transforms.redaction.signs import signs


class Screen:
    """Looks for what a redactor replaces by patterns and by names that speak for themselves."""

    def __init__(self) -> None:
        self._database = _compiled(signs())
        scan = partial(self._database.scan, match_event_handler=_stop)
        self._of_threads: dict[int, Callable[[bytes], None]] = {get_ident(): scan}

    def holds(self, text: str) -> bool:
        """Whether one text may hold something."""
        return self.hits(b'"%b"' % text.encode("utf-8", "replace"))

    def hits(self, data: bytes) -> bool:
        """Whether the data may hold something; False means that a redactor leaves it alone."""
        if _AT in data:  # the search for one byte is quicker than any scan
            return True
        scan = self._of_threads.get(get_ident()) or self._of_another_thread()
        try:
            scan(data)
        except hyperscan.ScanTerminated:
            return True
        return False

    def _of_another_thread(self) -> Callable[[bytes], None]:
        """Scan with memory of its own: one scan at a time may use the same."""
        memory = hyperscan.Scratch(self._database)
        scan = partial(self._database.scan, match_event_handler=_stop, scratch=memory)
        self._of_threads[get_ident()] = scan
        return scan


@cache
def screen() -> Screen:
    """Give the one screen of this process; its patterns take a second to compile."""
    return Screen()


def _stop(*_found: object) -> bool:
    return True


_AT = ord("@")


def _compiled(patterns: Sequence[bytes]) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_DOTALL
    database.compile(
        expressions=patterns,
        ids=list(range(len(patterns))),
        elements=len(patterns),
        flags=[flags] * len(patterns),
    )
    return database
