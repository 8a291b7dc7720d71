"""The console's pages over nothing, and over events of strangers who mean harm."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from funnelhouse.console.pages.site import PAGES
from funnelhouse.console.words import _KOREAN, language, word
from tests.conftest import READ_KEY, RunningProduct, running_product

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}\u202e=cmd|calc"
WAYS = [way for _, way in PAGES]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Give a console over a warehouse to which nothing has come, open to this machine."""
    with (
        running_product(tmp_path_factory.mktemp("fresh"), "dev:web", warm=True) as product,
        httpx.Client(base_url=product.console_url, timeout=60) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def reader(product: RunningProduct) -> Iterator[httpx.Client]:
    """Give a console over hostile events, for a reader who has the key."""
    send_hostile(product)
    headers = {"authorization": f"Bearer {READ_KEY}"}
    with httpx.Client(base_url=product.console_url, headers=headers, timeout=60) as client:
        yield client


def send_hostile(product: RunningProduct) -> None:
    """Send names, properties and URLs that would harm a page that trusts them."""
    page = {"url": f"https://nbcamp.example/{quote(HOSTILE)}", "title": HOSTILE}
    good = {
        "type": "track",
        "event": "CTA Clicked",
        "messageId": str(uuid4()),
        "anonymousId": HOSTILE,
        "properties": {"cta_id": HOSTILE[:90], "label": HOSTILE},
        "context": {"page": page, "app": {"version": HOSTILE[:60]}},
    }
    bad = good | {"event": HOSTILE, "messageId": str(uuid4())}
    worse = good | {"properties": {HOSTILE: HOSTILE}, "messageId": str(uuid4())}
    answer = product.post("/v1/batch", {"batch": [good, bad, worse]}, auth=("dev", ""))
    assert len(answer.json()["results"]) == 2
    found = (
        "SELECT 1 FROM rejected_events WHERE reason = 'unknown_event' AND sent_name LIKE '%script%'"
    )
    product.wait_visible(lambda: product.sql(found) != [])


CELL = "/coverage/cell?coverage=landing&event=cta_clicked"
FIRST = {
    "/": "/v1/track",
    "/funnel": "Nobody entered a stage in a whole week yet. See first whether the events of its"
    " stages arrive",
    "/experiments": "No experiment is read out yet. Send `experiment_viewed` for whoever is shown a"
    " variant; readouts follow by themselves.",
    "/coverage": "No event came in this time, neither good nor rejected",
    "/live": "/v1/track",
    "/sessions": "Write what a page or a server sends as userId or anonymousId",
    "/sql": "FROM events",
    "/login": "Read key",
    CELL: "Follow good and rejected events",
}
"""What each page says to do first where nothing has come."""


@pytest.mark.parametrize("way", [*WAYS, "/login", CELL])
@pytest.mark.parametrize("code", ["en", "ko"])
def test_a_page_over_nothing(fresh: httpx.Client, way: str, code: str) -> None:
    """Every page opens over an empty warehouse, in either language, and says what to do first."""
    mark = "&" if "?" in way else "?"
    answer = fresh.get(f"{way}{mark}lang={code}")
    assert answer.status_code == 200, answer.text
    assert f'<html lang="{code}">' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert word(FIRST[way], code) in answer.text


@pytest.mark.parametrize(
    "way",
    [
        *WAYS,
        f"/sessions?person={quote(HOSTILE)}",
        "/coverage/cell?coverage=landing&event=cta_clicked&since=1h",
        f"/coverage/cell?coverage={quote(HOSTILE)}&event={quote(HOSTILE)}",
        f"/funnel?funnel={quote(HOSTILE)}&track={quote(HOSTILE)}",
        f"/experiments?key={quote(HOSTILE)}",
        f"/live?run={quote(HOSTILE)}",
        "/sql?query=" + quote("SELECT sent_name, count() FROM rejected_events GROUP BY ALL"),
        f"/sql?query={quote(HOSTILE)}",
        f"/login?next={quote(HOSTILE)}",
    ],
)
def test_hostile_text_stays_text(reader: httpx.Client, way: str) -> None:
    """What strangers send or ask is shown, never obeyed."""
    answer = reader.get(way)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text
    assert " style=" not in answer.text


def test_the_editor(reader: httpx.Client) -> None:
    """A result is a table and a chart, a refused statement a sentence, a file harmless."""
    asked = quote("SELECT toDate('2024-01-01') + number AS day, number AS n FROM numbers(5)")
    answer = reader.get(f"/sql?query={asked}").text
    assert "<svg" in answer
    assert "2024-01-05" in answer
    refused = reader.get(f"/sql?query={quote('DROP TABLE events_raw')}").text
    assert "Only SELECT" in refused
    statement = "SELECT '=1+1' AS a, '@x' AS b, -1 AS c, 'fine' AS d, '\t=2' AS e ORDER BY a"
    file = reader.get(f"/sql.csv?query={quote(statement)}")
    assert file.text == '"a","b","c","d","e"\n"\'=1+1","\'@x",-1,"fine","\'\t=2"\n'
    assert reader.get(f"/sql.csv?query={quote('KILL QUERY WHERE 1')}").status_code == 400


def test_exports_for_spreadsheets_do_not_compute(reader: httpx.Client) -> None:
    """The CSV of a view quotes what would be a formula."""
    rows = reader.get("/export/unplanned_events.csv", params={"key": READ_KEY}).text
    assert "calc" in rows
    assert not any(line.startswith(('"=', '"@')) for line in rows.splitlines())


def test_the_key_is_asked_for(product: RunningProduct) -> None:
    """Without a key every page leads to the form; a wrong key stays there, a right one goes on."""
    with httpx.Client(base_url=product.console_url, timeout=60) as stranger:
        for way in WAYS:
            answer = stranger.get(way)
            assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/login")
        assert stranger.post("/login", data={"key": "wrong"}).status_code == 401
        entered = stranger.post("/login", data={"key": READ_KEY, "next": "//evil.example"})
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        assert "HttpOnly" in entered.headers["set-cookie"]
        assert stranger.get("/coverage").status_code == 200


def test_other_sites_send_nothing(fresh: httpx.Client) -> None:
    """A page of another site cannot start a run, nor reach an open console by another name."""
    headers = {"origin": "https://evil.example"}
    assert fresh.post("/coverage/runs", headers=headers).status_code == 403
    assert fresh.post("/qa/runs", headers=headers, json={}).status_code == 403
    assert fresh.get("/", headers={"host": "evil.example"}).status_code == 403
    assert fresh.get("/export/events.csv", headers={"host": "evil.example"}).status_code == 403


def test_a_run_is_started_from_the_page(fresh: httpx.Client) -> None:
    """The button registers a run and shows it."""
    answer = fresh.post("/coverage/runs")
    assert answer.status_code == 303
    run = answer.headers["location"].partition("run=")[2]
    assert run in fresh.get(answer.headers["location"]).text


def test_the_stream_tells_good_and_rejected(product: RunningProduct, reader: httpx.Client) -> None:
    """Events are told as they land, a rejected one with its path."""
    with reader.stream("GET", "/live/events") as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": here"
        send_hostile(product)
        told: list[str] = []
        while len(told) < 3:
            line = next(lines)
            told += [line] if line.startswith("data: ") else []
    assert any('"reason":"unknown_event","path":"$.event"' in line for line in told)
    assert any('"event":"cta_clicked"' in line and '"reason":""' in line for line in told)


def test_words_of_both_languages() -> None:
    """A reader's language is chosen as asked, then as the browser accepts; all words are there."""
    assert language("", "ko-KR,ko;q=0.9,en;q=0.8") == "ko"
    assert language("en", "ko") == "en"
    assert language("fr", "de") == "en"
    assert word("Today", "ko") == "오늘"
    room = Path(__file__).parents[2] / "console" / "templates"
    texts = "".join(path.read_text(encoding="utf-8") for path in room.glob("*.html"))
    used = {part.split("')")[0] for part in texts.split("t('")[1:]}
    wanted = {one for one in used if one.isascii() and "," not in one and one.strip("a-z_")}
    assert {one for one in wanted if one not in _KOREAN} == set()
