"""The tag's files as the collector serves them: small, compressed, cached by version, unchanged."""

import base64
import gzip
import hashlib
import json
import re

import brotli  # type: ignore[import-untyped]
import pytest

from funnelhouse.ingest.collector.minification import minified
from tests.conftest import RunningCollector

PARTS = ("watch", "links", "experiments", "panel")
MAX_TAG_BYTES = 4_096


def test_the_tag_is_small(collector: RunningCollector) -> None:
    """`/tag.js` takes at most 4 KiB with gzip, and says so in `/tag.json`."""
    answer = collector.client.get("/tag.js", headers={"accept-encoding": "gzip"})
    sent = int(answer.headers["content-length"])
    assert answer.headers["content-encoding"] == "gzip"
    assert sent <= MAX_TAG_BYTES
    assert collector.client.get("/tag.json").json()["gzip_bytes"] == sent


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("br, gzip", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("identity", ""),
        ("", ""),
    ],
)
def test_codings(collector: RunningCollector, accepted: str, coding: str) -> None:
    """The smallest coding that the client takes is sent, and all hold the same file."""
    plain = collector.client.get("/tag.js", headers={"accept-encoding": "identity"}).content
    request = collector.client.stream("GET", "/tag.js", headers={"accept-encoding": accepted})
    with request as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding", "") == coding
    decoded = {"br": brotli.decompress, "gzip": gzip.decompress}.get(coding, bytes)(raw)
    assert decoded == plain
    assert answer.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize("path", ["/tag.js", *(f"/tag/{part}.js" for part in PARTS)])
def test_entity_tags(collector: RunningCollector, path: str) -> None:
    """Who has the file already is told so; any page may load it and see its errors."""
    answer = collector.client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["access-control-allow-origin"] == "*"
    again = collector.client.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = collector.client.get(path, headers={"if-none-match": '"other"'})
    assert other.content == answer.content
    head = collector.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert collector.client.post(path).status_code == 405


def test_versions_and_integrity(collector: RunningCollector) -> None:
    """The address with the version is kept for good, and the integrity is that of the file."""
    told = collector.client.get("/tag.json").json()
    answer = collector.client.get(told["src"])
    assert "immutable" in answer.headers["cache-control"]
    digest = base64.b64encode(hashlib.sha384(answer.content).digest()).decode()
    assert told["integrity"] == f"sha384-{digest}"
    for path in ("/tag.js", "/tag.js?v=older", "/tag/experiments.js?v=" + told["version"]):
        assert "immutable" not in collector.client.get(path).headers["cache-control"]


def test_experiments_end_their_part(collector: RunningCollector) -> None:
    """The part for experiments ends with those that run; the shipped ones are over."""
    text = collector.client.get("/tag/experiments.js").text
    assert text.endswith(";fhTag.experiments([])")


def test_what_pages_should_send_ends_the_panel(collector: RunningCollector) -> None:
    """The panel's part ends with what the plan expects of pages, as the shipped plan has it."""
    text = collector.client.get("/tag/panel.js").text
    expected = json.loads(text.rpartition(";fhTag.panel(")[2].removesuffix(")"))
    assert {"event": "section_viewed", "properties": ["section_id"]}.items() <= next(
        one for one in expected if one["event"] == "section_viewed"
    ).items()
    assert all(one["pages"] for one in expected)


def test_minified() -> None:
    """Minification shortens names and keeps what the file does, each time to the same text."""
    source = "(() => { const longName = 1; window.answer = longName + 1; })();"
    written = minified({"a": source})["a"]
    assert re.fullmatch(r"\(\(\)=>{const (\w)=1;window.answer=\1\+1}\)\(\)", written)
    assert minified({"a": source}) == {"a": written}
