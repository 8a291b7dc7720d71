"""The commands on experiments, against the shipped plan."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from funnelhouse.cli import app

RUNNER = CliRunner()


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a call of `funnelhouse experiment` in a data folder of its own."""
    monkeypatch.setenv("FUNNELHOUSE_DATA", str(tmp_path))

    def run(*arguments: str) -> str:
        ended = RUNNER.invoke(app, ["experiment", *arguments], catch_exceptions=False)
        assert ended.exit_code == 0
        return ended.stdout

    return run


def test_bucket_tells_the_variant_of_each_unit(command: Callable[..., str]) -> None:
    """A tenth of the traffic takes part in the guide; the others have no variant."""
    units = [f"device-{number}" for number in range(200)]
    rows = orjson.loads(command("bucket", "oopy_guide", *units, "--json"))
    assert [row["unit"] for row in rows] == units
    variants = [row["variant"] for row in rows]
    assert set(variants) == {"control", "guide_div", None}
    assert 5 <= sum(variant is not None for variant in variants) <= 40


def test_power_before_the_start(command: Callable[..., str]) -> None:
    """From 5 % to 6 % takes 8,158 units a variant, and days at the traffic given."""
    asked = ("power", "oopy_guide", "--rate", "0.05", "--a-day", "1000", "--json")
    (row,) = orjson.loads(command(*asked))
    assert row["units_needed"] == pytest.approx(2 * 8158, abs=4)
    assert row["days"] == 17


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("bucket", "oopy_gide", "x"), 'write "oopy_guide"'),
        (("power", "oopy_guide", "--rate", "0.9"), "leaves room"),
        (("readout", "oopy_guide", "--as-of", "monday"), "no day"),
    ],
)
def test_a_wrong_question_is_told(
    command: Callable[..., str], arguments: tuple[str, ...], told: str
) -> None:
    """Unknown experiments, impossible rates and days that are none end in a sentence."""
    with pytest.raises(ValueError, match=told):
        command(*arguments)
