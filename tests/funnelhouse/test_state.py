import socket
from pathlib import Path

import pytest

from tests.conftest import RunningProduct
from tests.funnelhouse.conftest import CommandLine, nowhere

SCHEMAS = Path(__file__).parents[2] / "schemas"
SQL = SCHEMAS.parent / "sql"
NAMES = [file.stem for file in sorted((SQL / "migrations").glob("0*.sql"))]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Migrate an empty folder, twice, and ask before and between; gives all that was printed."""
    dry_run, status, migrate = ("migrate", "--dry-run"), ("migrate", "--status"), ("migrate",)
    line = CommandLine(nowhere(tmp_path_factory.mktemp("migrated")))
    return line.outs(dry_run, status, migrate, status, dry_run, migrate)


def test_migrate(migrated: list[str]) -> None:
    """Migrations are pending until `migrate` applies them, which again changes nothing."""
    pending = [f"{name}  pending" for name in NAMES]
    applied = [f"{name}  applied" for name in NAMES]
    assert [migrated[place].splitlines() for place in (1, 2, 3, 5)] == [
        *(pending, applied, applied, applied)
    ]


def test_a_dry_run_prints_the_statements_and_runs_none(migrated: list[str]) -> None:
    """Before, `migrate --dry-run` prints each migration and view; after, the views alone."""
    texts = [(SQL / "migrations" / f"{name}.sql").read_text() for name in NAMES]
    first, status, *_, second, _ = migrated
    assert "applied" not in status
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
