"""Where the warehouse is; apart from its connections, since collectors never open one."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Warehouse:
    """Where the warehouse is: `url` of a server, or where that is empty the engine's `folder`.

    With the name of a `cluster` that the server belongs to, tables are spread over all of it.
    """

    folder: Path
    url: str = ""
    cluster: str = ""
