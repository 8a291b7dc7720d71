"""Where the kernel cannot shut a reader in, nobody's statement is run unless a setting says so."""

import asyncio
import logging
from pathlib import Path

import pytest

from funnelhouse.commands.status import _readers
from funnelhouse.console.access.guess_limiter import Guesses
from funnelhouse.console.readers import confinement
from funnelhouse.console.readers.job import Job
from funnelhouse.console.readers.refusal import RefusalError
from funnelhouse.console.readers.slots import Client
from funnelhouse.console.readers.statement_runner import Nobody, Readers, Server
from funnelhouse.processes.endpoint import Endpoint
from funnelhouse.processes.untrusted_sql import strangers_of
from funnelhouse.settings import Settings


@pytest.fixture
def no_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a kernel without Landlock."""
    monkeypatch.setattr(confinement.landlock, "version", lambda: 0)


def test_without_landlock_nothing_is_run(
    no_landlock: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The endpoint does not listen, a statement is refused with what to set, and status tells."""
    settings = Settings(data=tmp_path)
    strangers = strangers_of(settings)
    assert isinstance(strangers, Nobody)
    with pytest.raises(RefusalError, match="FUNNELHOUSE_SQL_UNCONFINED=true"):
        asyncio.run(strangers.answer(Client("", ""), Job("query", "SELECT 1")))
    endpoint = Endpoint(settings, strangers, Guesses())
    with caplog.at_level(logging.ERROR):
        endpoint.begin()
    assert "the SQL endpoint is not there" in caplog.text
    assert "no Landlock" in _readers(settings)["statements"]


def test_a_setting_waives_it(no_landlock: None, tmp_path: Path) -> None:
    """With the setting readers start all the same, and status says that they are not shut in."""
    settings = Settings(data=tmp_path, sql_unconfined=True)
    assert isinstance(strangers_of(settings), Readers)
    assert "not shut in" in _readers(settings)["statements"]


def test_a_server_runs_statements_itself(no_landlock: None, tmp_path: Path) -> None:
    """Against a ClickHouse server no process of this machine opens any table."""
    settings = Settings(data=tmp_path, warehouse="http://default@warehouse.example:8123/f")
    assert isinstance(strangers_of(settings), Server)
