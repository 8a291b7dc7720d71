import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from funnelhouse.command_line.options import misspelt, option_name, settings_table, with_settings
from funnelhouse.settings import Settings

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Give an environment without settings."""
    for name in os.environ:
        if name.startswith("FUNNELHOUSE_"):
            monkeypatch.delenv(name)
    return monkeypatch


def run(*arguments: str) -> Settings:
    """Give the settings that a command is called with."""
    called: list[Settings] = []

    @with_settings
    def command(settings: Settings, *, own: str = "") -> None:
        assert own in {"", "mine"}
        called.append(settings)

    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return called[0]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_documented(name: str) -> None:
    """Each setting has a description that ends as a sentence does."""
    description = Settings.model_fields[name].description
    assert description
    assert description.endswith(".")


@pytest.fixture(scope="module")
def help_text() -> str:
    """Give the help of a command, each option on a line."""

    @with_settings
    def command(_settings: Settings) -> None: ...

    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, ["--help"], env={"COLUMNS": "500"}).output


@pytest.mark.parametrize("name", Settings.model_fields)
def test_option_of_each(name: str, help_text: str) -> None:
    """Each setting is an option of a command, with its variable and its meaning."""
    (line,) = (line for line in help_text.splitlines() if f" {option_name(name)} " in line)
    assert f"FUNNELHOUSE_{name.upper()}]" in line
    assert f"{Settings.model_fields[name].description} [default: " in line


def test_option_over_environment(environment: pytest.MonkeyPatch) -> None:
    """An option wins over the environment variable."""
    environment.setenv("FUNNELHOUSE_WORKERS", "3")
    assert run("--workers", "5").workers == 5


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("WORKER", "WORKERS"),
        ("RETENTION_EVENT_DAYS", "RETENTION_EVENTS_DAYS"),
        ("ALERT_WEB_HOOK", "ALERT_WEBHOOK"),
    ],
)
def test_a_misspelt_variable_is_told(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, meant: str
) -> None:
    """What is almost a setting changes nothing, and a sentence names the one probably meant."""
    environment.setenv(f"FUNNELHOUSE_{name}", "3")

    @with_settings
    def command(settings: Settings) -> Settings:
        return settings

    assert command(**dict.fromkeys(Settings.model_fields)) == Settings()
    told = f"FUNNELHOUSE_{name} is no setting and changes nothing; write FUNNELHOUSE_{meant}.\n"
    assert capsys.readouterr().err == told


def test_variables_of_others_are_left_alone() -> None:
    """Settings, variables of tests, and what an orchestrator makes of names are no faults."""
    settings = [f"FUNNELHOUSE_{name.upper()}" for name in Settings.model_fields]
    others = ("URL", "KEY", "READ_KEY", "TEST_DATA", "COLLECTOR_PORT", "SERVICE_HOST")
    assert misspelt([*settings, *(f"FUNNELHOUSE_{name}" for name in others), "WORKER"]) == {}


def test_environment_over_default(environment: pytest.MonkeyPatch) -> None:
    """The environment variable wins over the default."""
    environment.setenv("FUNNELHOUSE_MAX_AGE_MS", "7")
    assert run().max_age_ms == 7


def test_default(environment: pytest.MonkeyPatch) -> None:
    """What is given nowhere has its default."""
    assert run() == Settings()


def test_switch(environment: pytest.MonkeyPatch) -> None:
    """A setting that is yes or no has an option for each."""
    assert (run("--no-mask-ip").mask_ip, run("--mask-ip").mask_ip) == (False, True)


def test_own_options(environment: pytest.MonkeyPatch) -> None:
    """A command keeps options of its own beside the settings."""
    assert run("--own", "mine", "--data", "elsewhere").data == Path("elsewhere")


def test_table_in_readme() -> None:
    """The README holds the table of settings, generated from the model."""
    text = README.read_text(encoding="utf-8")
    table = text.partition("<!-- settings -->")[2].partition("<!-- /settings -->")[0]
    assert table.strip() == settings_table()


def test_table_has_each() -> None:
    """The table has a row of three cells for each setting and no other."""
    rows = settings_table().splitlines()[2:]
    names = [row.replace("\\|", "").split("|")[1].strip(" `") for row in rows]
    assert names == [f"FUNNELHOUSE_{name.upper()}" for name in Settings.model_fields]
    assert {row.replace("\\|", "").count("|") for row in rows} == {4}


def test_a_key_of_snowplow_that_is_none() -> None:
    """The key that Snowplow's trackers count for must be one of the write keys."""
    assert "sp" in Settings(write_keys="sp:plow", snowplow_key="sp").keys()  # noqa: SIM118 - no mapping
    with pytest.raises(ValueError, match="FUNNELHOUSE_WRITE_KEYS"):
        Settings(write_keys="dev:web", snowplow_key="sp").keys()
