import socket
from pathlib import Path

import pytest

from tests.conftest import RunningProduct
from tests.funnelhouse.conftest import CommandLine

SCHEMAS = Path(__file__).parents[2] / "schemas"
SQL = SCHEMAS.parent / "sql"
NAMES = [file.stem for file in sorted((SQL / "migrations").glob("0*.sql"))]


def test_migrate(stopped: CommandLine) -> None:
    """Migrations are pending until `migrate` applies them, which again changes nothing."""
    pending = [f"{name}  pending" for name in NAMES]
    applied = [f"{name}  applied" for name in NAMES]
    asked = [("migrate", "--status"), ("migrate",), ("migrate", "--status"), ("migrate",)]
    seen = [stopped.out(*command).splitlines() for command in asked]
    assert seen == [pending, applied, applied, applied]


def test_a_dry_run_prints_the_statements_and_runs_none(stopped: CommandLine) -> None:
    """Before, `migrate --dry-run` prints each migration and view; after, the views alone."""
    texts = [(SQL / "migrations" / f"{name}.sql").read_text() for name in NAMES]
    first = stopped.out("migrate", "--dry-run")
    assert "applied" not in stopped.out("migrate", "--status")
    stopped.out("migrate")
    second = stopped.out("migrate", "--dry-run")
    assert all(text in first and text not in second for text in texts)
    assert first.endswith(second.partition("CREATE OR REPLACE VIEW")[2])
    assert second.count("CREATE OR REPLACE VIEW") == len(list((SQL / "views").rglob("*.sql")))


def test_migrations_of_the_running(running: CommandLine) -> None:
    """The states are told by the running process too."""
    assert {line.split()[1] for line in running.out("migrate").splitlines()} == {"applied"}


def test_status(running: CommandLine, product: RunningProduct) -> None:
    """The status tells the addresses, the spool, the loader and the migrations of what runs."""
    lines = dict(line.split("  ", 1) for line in running.out("status").splitlines())
    told = {name: text.strip() for name, text in lines.items()}
    assert told["collector"] == f"alive, ready ({product.settings.collector})"
    assert told["warehouse process"] == f"alive, ready ({product.settings.console})"
    assert told["migrations"] == f"{len(NAMES)} of {len(NAMES)} applied"
    assert told["quarantined"] == "0 damaged pieces"
    assert "s behind" in told["loader"]


def test_status_without_warehouse(stopped: CommandLine) -> None:
    """With the warehouse away the status still tells the rest, and what is wrong."""
    damaged = stopped.settings.spool_folder / "damaged"
    damaged.mkdir(parents=True)
    (damaged / "a-0.json").write_text("{}")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/x"
        printed = stopped.out("status", "--warehouse", url)
    assert "1 damaged pieces in" in printed
    assert "stopped (127.0.0.1" in printed
    assert "nobody listens at this port" in printed


def test_status_of_an_empty_folder(stopped: CommandLine) -> None:
    """Where the product never ran, the status says so and makes nothing."""
    assert "not there yet" in stopped.out("status")
    assert not stopped.settings.data.exists()


def test_good_plan(stopped: CommandLine) -> None:
    """The shipped plan has no fault, named or taken from the settings."""
    assert stopped.out("plan", "check", str(SCHEMAS)) == stopped.out("plan", "check")


@pytest.mark.parametrize("by", ["argument", "option"])
def test_faulty_plan(stopped: CommandLine, tmp_path: Path, by: str) -> None:
    """Each fault of a plan is told with file, line and mend, and the exit status is 1."""
    file = tmp_path / "events" / "cta" / "cta_clicked" / "1-0-0.json"
    file.parent.mkdir(parents=True)
    shipped = (SCHEMAS / "events/cta/cta_clicked/1-0-0.json").read_text(encoding="utf-8")
    text = shipped.replace('"additionalProperties"', '"additionalPropertys"')
    file.write_text(text, encoding="utf-8")
    number = text[: text.index('"additionalPropertys"')].count("\n") + 1
    ended = stopped.run("plan", "check", *(["--plan"] if by == "option" else []), str(tmp_path))
    assert ended.returncode == 1
    (line,) = ended.stdout.decode().splitlines()
    assert line.startswith(f"events/cta/cta_clicked/1-0-0.json:{number}: ")
    assert line.endswith('→ write "additionalProperties"')
