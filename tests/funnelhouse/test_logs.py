"""The log of the whole product, after everything that could make it tell what it should not."""

from pathlib import Path

import httpx
import pytest

from tests.conftest import RunningProduct, free_port, running_product

MARK = "s3cret"
HOSTILE = '\x1b[31mred\n{"level": "error"}\u202e'


def ask_wrongly(product: RunningProduct) -> None:
    """Send keys where they belong, where they do not, and with requests that fail."""
    call = {"type": "track", "event": HOSTILE, "anonymousId": "a"}
    for key in (f"write-{MARK}", f"wrong-{MARK}"):
        product.post("/v1/track", call, auth=(key, ""))
        product.post("/v1/track", b"{", auth=(key, ""))
        product.post("/v1/track", call | {"writeKey": key})
    sql = f"http://{product.settings.sql}/"
    for key in (f"read-{MARK}", f"wrong-{MARK}"):
        for statement in ("SELECT 1", "SELEC", "SELECT * FROM nowhere"):
            httpx.post(sql, content=statement, params={"password": key}, timeout=60)
            httpx.post(sql, content=statement, auth=("anybody", key), timeout=60)
        for way in ("/", "/nowhere", "/export/nowhere.csv", "/qa/coverage", "/funnel?funnel=x"):
            httpx.get(f"{product.console_url}{way}", params={"key": key}, timeout=60)
        httpx.post(f"{product.console_url}/login", data={"key": key}, timeout=60)


def test_no_secret_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Keys, the secret of salts and the address of a webhook that fails stand nowhere in it."""
    hook = f"http://127.0.0.1:{free_port()}/{MARK}"
    given = {
        "read_keys": f"read-{MARK}",
        "secret": f"a long {MARK} of the tests",
        "alert_webhook": hook,
        "alertmanager": hook,
        "alerts_every_s": 2,
    }
    with running_product(tmp_path, f"write-{MARK}:web", **given) as product:
        ask_wrongly(product)
        told = ""

        def alerted() -> bool:
            nonlocal told
            told += capfd.readouterr().err
            return "an alert was not told" in told

        product.wait_visible(alerted)
    told += capfd.readouterr().err
    assert MARK not in told
    assert "\x1b" not in told
    assert all(line.startswith('{"time":') for line in told.splitlines())
