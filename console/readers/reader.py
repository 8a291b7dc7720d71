"""A reader as its owner sees it: a process that is started, asked one job at a time, and killed."""

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from funnelhouse.console.readers.catalog import change
from funnelhouse.console.readers.job import Answer, Job
from funnelhouse.console.readers.refusal import NO_READER, RefusalError
from funnelhouse.console.readers.wire import LENGTHS, MAX_HEAD_BYTES, Message, written

COMMAND = (sys.executable, "-P", "-m", "funnelhouse.console.readers.process")
_START_S = 120.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_NICENESS = 10
_FOLDERS = "funnelhouse-reader-"


@dataclass(frozen=True, slots=True)
class Home:
    """What readers are started with: the owner's folder, its engine's time zone, and bounds.

    `confined` shuts them in; `command` is the process, which tests replace.
    """

    warehouse: Path
    timezone: str
    memory_bytes: int
    confined: bool = True
    command: Sequence[str] = COMMAND


class Reader:
    """A running reader; `has` is what it has attached."""

    def __init__(
        self,
        process: Process,
        folder: Path,
        outwards: asyncio.StreamReader,
        inwards: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._outwards = outwards
        self._inwards = inwards
        self._folder = folder
        self._has: Mapping[str, str] = {}
        self._why_ended: RefusalError | None = None

    @classmethod
    async def started(cls, home: Home, catalog: Mapping[str, str]) -> "Reader":
        """Start one, with a folder of its own and nothing of this process but a line to it.

        It stays in this session, since within one its niceness counts against the loader.

        Raises:
            RefusalError: it does not come up.
        """
        folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDERS}{os.getpid()}-"))
        own = str(folder)
        # A pipe could be opened anew by its name in /proc; a socket cannot.
        ours, theirs = socket.socketpair()
        process = await asyncio.create_subprocess_exec(
            *home.command,
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=DEVNULL,
            cwd=own,
            env={"TMPDIR": own, "HOME": own, "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
        )
        theirs.close()
        reader = cls(process, folder, *await asyncio.open_connection(sock=ours))
        try:
            async with asyncio.timeout(_START_S):
                await reader._begin(home, catalog)
        except BaseException:
            reader.kill()
            await reader.gone()
            raise
        return reader

    async def answer(self, job: Job, catalog: Mapping[str, str]) -> Answer:
        """Have a job done over the tables and views of a catalog.

        Raises:
            RefusalError: it is refused, or the reader has ended.
        """
        todo = change(self._has, catalog)
        asked = {"job": asdict(job), "gone": todo.gone, "come": dict(todo.come)}
        message = await self._exchange(Message(asked))
        self._has = catalog
        if "refused" in message.head:
            raise RefusalError.of(message.head)
        return Answer(message.head["facts"], message.content)

    def kill(self, why: RefusalError | None = None) -> None:
        """End it at once, whatever it does; `why` is told to whoever waits for its answer."""
        self._why_ended = self._why_ended or why
        if self._process.returncode is None:
            self._process.kill()

    async def gone(self) -> None:
        """Return when it has ended, and its folder is removed."""
        await self._process.wait()
        self._inwards.close()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.returncode is None

    def memory_bytes(self) -> int:
        """Give the memory that it alone holds; 0 where it has ended."""
        try:
            statm = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()
        except OSError:
            return 0
        return (int(statm[1]) - int(statm[2])) * _PAGE_BYTES

    async def _begin(self, home: Home, catalog: Mapping[str, str]) -> None:
        first = {
            "folder": str(self._folder),
            "warehouse": str(home.warehouse),
            "timezone": home.timezone,
            "memory_bytes": home.memory_bytes,
            "niceness": _NICENESS,
            "confined": home.confined,
            "come": dict(catalog),
        }
        message = await self._exchange(Message(first))
        if "refused" in message.head:
            raise RefusalError.of(message.head)
        self._has = catalog

    async def _exchange(self, message: Message) -> Message:
        outwards = self._outwards
        try:
            self._inwards.write(written(message))
            await self._inwards.drain()
            head, content = LENGTHS.unpack(await outwards.readexactly(LENGTHS.size))
            read = orjson.loads(await outwards.readexactly(min(head, MAX_HEAD_BYTES)))
            return Message(read, await outwards.readexactly(content))
        except (OSError, EOFError, ValueError) as error:
            told = "The process that read for you has ended; ask again, or for less."
            raise self._why_ended or RefusalError(told, NO_READER, 503) from error


def remove_left_folders() -> None:
    """Remove the folders of readers whose owner was killed, which the system keeps."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDERS}*-*"):
        owner = folder.name.removeprefix(_FOLDERS).partition("-")[0]
        if owner.isdecimal() and not _runs(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
