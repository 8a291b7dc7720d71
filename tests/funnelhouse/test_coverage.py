"""The commands of test runs, expectations and coverage beside the running product."""

import json
import re
from pathlib import Path
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest

from tests.conftest import READ_KEY, RunningProduct
from tests.funnelhouse.conftest import CommandLine

pytest_plugins = ("pytester",)


def send(product: RunningProduct, run: str, *names: str) -> None:
    """Send events of one visitor to a landing page under a run."""
    page = {"url": "https://nbcamp.example/kotlin"}
    properties = {"cta_id": "apply", "product": "nbcamp", "track": "kotlin", "depth": 50}
    calls = [
        {
            "type": "track",
            "event": name,
            "messageId": str(uuid4()),
            "anonymousId": "visitor",
            "context": {"page": page},
            "properties": properties,
        }
        for name in names
    ]
    headers = {"X-Funnelhouse-Run": run}
    answer = product.post("/v1/batch", {"batch": calls}, auth=("dev", ""), headers=headers)
    assert answer.json() == {"success": True}


def test_coverage_of_a_run(product: RunningProduct, running: CommandLine, tmp_path: Path) -> None:
    """The table, the JSON, the JUnit report and the exit status say the same."""
    run = running.out("run", "start", "--note", "landing").strip()
    send(product, run, "page_viewed", "cta_shown", "cta_clicked")
    shown = json.loads(running.out("expect", "CTA Clicked", "cta_id=apply", "--run", run))
    assert shown["properties"]["track"] == "kotlin"
    report = tmp_path / "report.xml"
    ended = running.run("coverage", "--run", run, "--fail-under", "100", "--junit", str(report))
    assert ended.returncode == 1
    told = ended.stdout.decode()
    assert re.search(r"landing.*cta_clicked.*there", told)
    assert re.search(r"landing.*section_viewed.*missing.*no such event came", told)
    assert "37.5 % of what the plan expects is there." in told
    suites = {one.get("name"): one for one in ET.parse(report).getroot()}  # noqa: S314 - ours
    assert (suites["landing"].get("tests"), suites["landing"].get("failures")) == ("5", "2")
    assert running.run("coverage", "--run", run, "--fail-under", "37").returncode == 0
    rows = json.loads(running.out("coverage", "--run", run, "--json", "--variant"))
    assert rows["percent"] == 37.5
    running.out("run", "end", run)
    assert run in running.out("run", "list")


def test_expect_says_what_came_closest(product: RunningProduct, running: CommandLine) -> None:
    """An event that does not come in time ends with status 1 and the reason."""
    run = running.out("run", "start").strip()
    send(product, run, "cta_clicked")
    running.out("expect", "cta_clicked", "--run", run)
    ended = running.run("expect", "cta_clicked", "cta_id=pay", "--run", run, "--within-ms", "0")
    assert ended.returncode == 1
    assert 'cta_id is "apply", expected "pay"' in ended.stderr.decode()


def test_what_cannot_be_meant(running: CommandLine) -> None:
    """It ends with status 2 and a sentence."""
    meant = [
        (("coverage", "--run", "never"), 'No run "never" is registered'),
        (("coverage", "--since", "yesterday"), "write 30m, 1h, 7d"),
        (("expect", "cta_clickd"), 'write "cta_clicked"'),
        (("expect", "cta_clicked", "cta_id"), "write name=value"),
        (("run", "start", "my run"), "cannot be the id of a run"),
        (("run", "start", "--minutes", "0"), "1 to 10080 minutes"),
        (("run", "end", "never"), 'No run "never" is registered'),
    ]
    ended = running.each(*(arguments for arguments, _ in meant))
    for one, (_, told) in zip(ended, meant, strict=True):
        assert (one.returncode, told in one.stderr.decode()) == (2, True), told


def test_the_fixture(product: RunningProduct, pytester: pytest.Pytester) -> None:
    """A test gets a run of its own by the fixture, waits for its event, and fails with the why.

    What a page of the test sends when it is closed after it is of the run too.
    """
    person = f"closed-{uuid4()}"
    pytester.makepyfile(
        f"""
        import httpx
        import pytest

        def send(run, who="a"):
            call = {{"writeKey": "dev", "event": "CTA Clicked", "anonymousId": who,
                    "properties": {{"cta_id": "apply"}}, "context": {{"run": run}}}}
            httpx.post("{product.url}/v1/track", json=call).raise_for_status()

        @pytest.fixture
        def page():
            runs = []
            yield runs
            send(*runs, "{person}")

        def test_there(page, funnelhouse):
            page.append(funnelhouse.run)
            send(funnelhouse.run)
            assert funnelhouse.expect("cta_clicked")["properties"] == {{"cta_id": "apply"}}
            assert len(funnelhouse.sequence("cta_clicked")) == 1
            assert funnelhouse.coverage()["percent"] < 100

        def test_not_there(funnelhouse):
            send(funnelhouse.run)
            funnelhouse.expect("cta_clicked")
            funnelhouse.expect("cta_clicked", {{"cta_id": "pay"}}, within_ms=0)
        """
    )
    ended = pytester.runpytest_subprocess(
        f"--funnelhouse-url={product.console_url}",
        f"--funnelhouse-key={READ_KEY}",
        "-p",
        "no:cacheprovider",
    )
    ended.assert_outcomes(passed=1, failed=1)
    ended.stdout.fnmatch_lines(['*cta_id is "apply", expected "pay"*'])
    found = f"SELECT 1 FROM {{}} WHERE anonymous_id = '{person}'"
    product.wait_visible(lambda: product.sql(found.format("run_events")) != [])
    assert product.sql(found.format("events")) == []


def test_a_release_is_judged_by_those_before(product: RunningProduct, running: CommandLine) -> None:
    """An event that a new release does not send any more is named, and the status is 1."""
    mark = uuid4().hex[:6]

    def release(version: str, *names: str) -> None:
        calls = [
            {
                "type": "track",
                "event": name,
                "messageId": str(uuid4()),
                "anonymousId": f"{mark}-{version}-{number}",
                "context": {
                    "page": {"url": "https://nbcamp.example/kotlin"},
                    "app": {"version": version},
                },
                "properties": {"cta_id": "apply", "product": "nbcamp", "track": "kotlin"},
            }
            for number in range(60)
            for name in names
        ]
        agent = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0"}
        product.post("/v1/batch", {"batch": calls}, auth=("dev", ""), headers=agent)
        found = f"SELECT uniqExact(device) AS n FROM seen_events WHERE release = '{version}'"
        product.wait_visible(lambda: int(product.sql(found)[0]["n"]) == 60)

    sent = ("page_viewed", "cta_shown", "cta_clicked")
    release(f"1.0-{mark}", *sent)
    release(f"1.1-{mark}", *sent)
    release(f"1.2-{mark}", *sent[:2])
    good = running.out("coverage", "--release", f"1.1-{mark}")
    assert good == f"0 faults in release 1.1-{mark}.\n"
    ended = running.run("coverage", "--release", f"1.2-{mark}", "--json")
    assert ended.returncode == 1
    (finding,) = json.loads(ended.stdout)["findings"]
    assert (finding["fault"], finding["event"]) == ("missing event", "cta_clicked")
    wrong = running.run("coverage", "--release", f"1.3-{mark}")
    assert f'write "1.2-{mark}"' in wrong.stderr.decode() or wrong.returncode == 2
