import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STRACE = shutil.which("strace")
COMMIT_AND_SEAL = """
import asyncio, os, sys
from pathlib import Path
import pyarrow as pa
from funnelhouse.ingest.log.spool import Spool, SpoolConfig
from tests.ingest.appending import append

async def main():
    schema = pa.schema({"event_id": pa.int64()})
    spool = Spool(SpoolConfig(Path(sys.argv[1]), 2**30), schema, worker="w0")
    await append(spool, [(1,)], {"web|1": 1})
    os.write(1, b"answered")
    await spool.close()
    os.write(1, b"sealed")

asyncio.run(main())
"""
_CALL = re.compile(r"^(?:\[pid +\d+\] )?(\w+)\((.*)\) += (\d+)", re.MULTILINE)


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Trace one commit and one seal: each system call that succeeded, with its arguments."""
    if STRACE is None:
        pytest.skip("strace is not installed here")
    folder = tmp_path_factory.mktemp("spool")
    trace = "trace=fdatasync,fsync,pwrite64,/^rename,write"
    traced = subprocess.run(
        [STRACE, "-f", "-y", "-e", trace, sys.executable, "-c", COMMIT_AND_SEAL, f"{folder}"],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    if "ptrace" in traced.stderr and "not permitted" in traced.stderr:
        pytest.skip("strace may not trace here")
    assert traced.stdout == "answeredsealed", traced.stderr[-500:]
    return [(name, arguments) for name, arguments, _ in _CALL.findall(traced.stderr)]


def position(calls: list[tuple[str, str]], name: str, text: str, *, last: bool = False) -> int:
    """Say where a call stands whose arguments hold a text: the first one, or the last."""
    found = [
        n for n, (called, arguments) in enumerate(calls) if called == name and text in arguments
    ]
    assert found, f"no {name} with {text}"
    return found[-1 if last else 0]


def test_rows_are_synced_before_anybody_is_answered(calls: list[tuple[str, str]]) -> None:
    """After the last write to the segment and before the answer the kernel is asked to sync it."""
    answered = position(calls, "write", "answered")
    written = position(calls[:answered], "pwrite64", ".open>", last=True)
    synced = position(calls[:answered], "fdatasync", ".open>", last=True)
    assert written < synced < answered


@pytest.mark.parametrize(
    ("ending", "then"), [(".open", "answered"), (".arrow", "sealed")], ids=["opened", "sealed"]
)
def test_a_new_name_is_synced_with_its_folder(
    calls: list[tuple[str, str]], ending: str, then: str
) -> None:
    """Between a rename and whoever relies on it the folder is synced."""
    renamed = next(
        n for n, (name, arguments) in enumerate(calls)
        if name.startswith("rename") and f'{ending}"' in arguments
    )  # fmt: skip
    relied_on = position(calls, "write", then)
    assert any(
        name == "fsync" and "spool" in arguments for name, arguments in calls[renamed:relied_on]
    )


def test_a_sealed_segment_is_synced_before_it_is_named(calls: list[tuple[str, str]]) -> None:
    """The footer is on the disk before the name says that the segment is whole."""
    named = next(
        n for n, (name, arguments) in enumerate(calls)
        if name.startswith("rename") and '.arrow"' in arguments
    )  # fmt: skip
    footer = position(calls[:named], "pwrite64", ".open>", last=True)
    assert any(name == "fdatasync" for name, _ in calls[footer:named])
