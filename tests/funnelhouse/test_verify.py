"""The command that verifies: a running product, and a folder from which a part was removed."""

import shutil
import time
from pathlib import Path

import orjson

from funnelhouse.settings import Settings
from funnelhouse.sql.client import DATABASE
from tests.conftest import RunningProduct
from tests.funnelhouse.conftest import CommandLine
from tests.sql.history import Told, segment_of

LONG_AGO_US = 1_700_000_000_000_000


def test_a_running_product(running: CommandLine, product: RunningProduct) -> None:
    """Where nothing is wrong the status is 0, and the metrics and `status` tell when it was."""
    before = time.time()
    told = running.out("verify")
    assert told == "Spool, parts, counts and secret are as they should be.\n"
    assert "nothing is wrong" in running.out("status")
    metrics = product.client.get("/metrics").text.splitlines()
    samples = dict(line.rsplit(" ", 1) for line in metrics if line.startswith("funnelhouse_verif"))
    assert float(samples["funnelhouse_verification_findings"]) == 0
    assert float(samples["funnelhouse_verification_timestamp_seconds"]) >= before - 1


def test_a_removed_part(stopped: CommandLine) -> None:
    """A part that was removed by hand is told with its rows, though the ledger adds up."""
    spool = stopped.settings.spool_folder
    spool.mkdir(parents=True)
    rows = [Told(id=one, came=one, name="page_viewed", user="kim").row() for one in (1, 2)]
    (spool / f"{LONG_AGO_US}-00000000-1.arrow").write_bytes(segment_of(rows))
    # The drain of a forgetting loads the spool; the verification writes the parts down.
    stopped.outs(("forget", "nobody", "--yes"), ("verify",))
    folder = _folder_of(stopped.settings, "events_raw")
    (part,) = folder.glob("all_*")
    shutil.rmtree(part)
    verified, again = _ended(stopped, ("verify", "--json"), ("verify",))
    assert (verified[0], again[0]) == (1, 1)
    findings = orjson.loads(verified[1])["findings"]
    assert "Of 2024-08-19 events_raw holds 0 events, and 2 arrived (UTC)" in findings[1]
    assert findings[0].startswith("A part of events_raw with 2 rows is gone from the disk; import")
    assert again[1].splitlines() == findings
    assert "2 findings: A part of events_raw" in stopped.out("status")
    (accepted,) = _ended(stopped, ("verify", "--accept"))
    assert accepted[1].startswith("Of 2024-08-19 events_raw holds 0")


def _ended(line: CommandLine, *commands: tuple[str, ...]) -> list[tuple[int, str]]:
    return [(one.returncode, one.stdout.decode()) for one in line.each(*commands)]


def _folder_of(settings: Settings, table: str) -> Path:
    return (settings.warehouse_place.folder / "data" / DATABASE / table).resolve()
