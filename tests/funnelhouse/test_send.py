import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelhouse.files.calls import Batching, CallLine, batches, read_calls
from funnelhouse.files.send import Sender
from funnelhouse.files.send_progress import (
    SendError,
    SendProgress,
    load_progress,
    resume,
    save_progress,
)
from tests.conftest import RunningProduct
from tests.funnelhouse.conftest import CommandLine

URL = "http://collector.example"
ANY = Batching(1000, 1_000_000)


def ndjson(*calls: Any) -> bytes:
    """Write calls as lines."""
    return b"".join(orjson.dumps(call) + b"\n" for call in calls)


def calls_of(text: bytes) -> list[CallLine]:
    """Read calls from the start of a text."""
    return list(read_calls(io.BytesIO(text)))


def body_of(request: httpx.Request) -> list[Any]:
    """The batch that a request carries."""
    batch: list[Any] = orjson.loads(request.content)["batch"]
    return batch


class Collector:
    """Answers requests in turn from a list, the last for ever; notes requests and pauses."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        status, document, *headers = answer
        return httpx.Response(status, json=document, headers=headers[0] if headers else {})

    def send(self, text: bytes, batching: Batching = ANY, patience_s: float = 60.0) -> SendProgress:
        """Send a text to its end."""
        http = httpx.Client(base_url=URL, transport=httpx.MockTransport(self))
        sender = Sender(http, batching, lambda _: None, patience_s, self.pauses.append)
        progress = SendProgress(URL)
        with http:
            for _ in sender.send(read_calls(io.BytesIO(text)), progress):
                pass
        return progress


GOOD = (200, {"success": True})


def error(status: int, detail: str = "why.", **headers: str) -> tuple[int, Any, dict[str, str]]:
    """An error of the collector in its one shape."""
    return status, {"success": False, "error": {"detail": detail}}, headers


def test_all_sent() -> None:
    """Every call goes out once, in order, and the progress ends at the end of the file."""
    collector = Collector(GOOD)
    text = ndjson(*({"messageId": f"m{n}", "event": "e"} for n in range(5)))
    progress = collector.send(text, Batching(2, 1_000_000))
    assert [len(body_of(request)) for request in collector.requests] == [2, 2, 1]
    assert [c["messageId"] for r in collector.requests for c in body_of(r)] == [
        f"m{n}" for n in range(5)
    ]
    assert (progress.offset, progress.line, progress.sent) == (len(text), 5, 5)


def test_ids_repeat() -> None:
    """A call without an id gets the same one each time, and another one on each line."""
    text = b'{"event":"e"}\n{"event":"e"}\n{"event":"e","messageId":null}\n{"messageId":" "}\n'
    first = [call.message_id for call in calls_of(text)]
    assert first == [call.message_id for call in calls_of(text)]
    assert len(set(map(UUID, first))) == 4


def test_id_is_sent() -> None:
    """The made id stands in the call, and nothing else of its text changes."""
    (call,) = calls_of(b'{"event": "e", "properties": {"n": 1.0, "m": 1e5}}\n')
    assert call.text == (
        b'{"event":"e","properties":{"n": 1.0, "m": 1e5},"messageId":"%b"}'
        % call.message_id.encode()
    )


@pytest.mark.parametrize("message_id", ["mine", 7, 7.5])
def test_own_id_stays(message_id: object) -> None:
    """A call with an id, text or number, is sent as it is."""
    text = orjson.dumps({"messageId": message_id})
    assert [call.text for call in calls_of(text)] == [text]


@pytest.mark.parametrize("bad", [b"nope", b"[1]", b'{"a":', b'"text"', b"\xff"])
def test_no_call(bad: bytes) -> None:
    """A line that is no JSON object is rejected here, and the lines around it are sent."""
    collector = Collector(GOOD)
    progress = collector.send(b'{"event":"a"}\n' + bad + b'\n\n{"event":"b"}\n')
    assert [call["event"] for call in body_of(collector.requests[0])] == ["a", "b"]
    assert (progress.sent, progress.rejected) == (2, 1)
    assert progress.examples == ["line 2: not a JSON object"]


def test_rejected_are_counted() -> None:
    """Rejected calls are counted by id or index, and shown with their line."""
    result = {"outcome": "rejected", "reason": "schema", "path": "$.a", "detail": "mend it."}
    collector = Collector((200, {"success": True, "results": {"m": result, "1": result}}))
    progress = collector.send(ndjson({"messageId": "m"}, {"messageId": 5}, {"messageId": "k"}))
    assert progress.rejected == 2
    assert progress.examples == ["line 1: schema $.a mend it.", "line 2: schema $.a mend it."]


@pytest.mark.parametrize(
    ("status", "header", "pause_s"), [(429, "7", 7), (503, "2", 2), (503, "", 5)]
)
def test_retry_after(status: int, header: str, pause_s: float) -> None:
    """A collector that asks to wait is asked again after the time it names."""
    collector = Collector(error(status, **{"retry-after": header}), GOOD)
    assert collector.send(ndjson({"event": "e"})).sent == 1
    assert collector.pauses == [pause_s]
    assert collector.requests[0].content == collector.requests[1].content


@pytest.mark.parametrize(
    "silence", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), error(502)]
)
def test_silence_is_retried(silence: object) -> None:
    """A request that nobody answered is sent again, unchanged, after growing pauses."""
    collector = Collector(silence, silence, GOOD)
    assert collector.send(ndjson({"event": "e"})).sent == 1
    assert len(collector.pauses) == 2
    assert len({request.content for request in collector.requests}) == 1


def test_gives_up() -> None:
    """Sending ends with a mend when nobody answers for the whole time of patience."""
    with pytest.raises(SendError, match=r"does not answer.*funnelhouse up"):
        Collector(httpx.ConnectError("refused")).send(ndjson({"event": "e"}), patience_s=0)


def test_too_large_is_halved() -> None:
    """A batch that is too large goes in halves; a call too large alone is rejected."""
    collector = Collector(error(413), error(413, "cut it."), GOOD)
    progress = collector.send(ndjson({"messageId": "big"}, {"messageId": "small"}))
    assert [len(body_of(request)) for request in collector.requests] == [2, 1, 1]
    assert progress.examples == ["line 1: too_large: cut it."]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (error(401, "No such write key."), "401.*No such write key"),
        (error(400), "400"),
        (error(500), "500"),
        ((404, {}), "404.*--url"),
        ((200, {"hello": "world"}), "no collector"),
        ((302, {}), "302"),
    ],
)
def test_refused(answer: Any, told: str) -> None:
    """A request that is refused as a whole ends the sending; nothing counts as sent."""
    with pytest.raises(SendError, match=told):
        Collector(answer).send(ndjson({"event": "e"}))


@given(
    st.lists(st.integers(0, 40)),
    st.integers(1, 5),
    st.integers(20, 100),
)
def test_batches(lengths: list[int], events: int, most_bytes: int) -> None:
    """Batches hold every call once in order, within both limits unless one call is over alone."""
    calls = [CallLine(n, n, "", b"x" * length) for n, length in enumerate(lengths)]
    made = list(batches(iter(calls), Batching(events, most_bytes)))
    assert [call for batch in made for call in batch] == calls
    for batch in made:
        body = b'{"batch":[%b]}' % b",".join(call.text or b"" for call in batch)
        assert 1 <= len(batch) <= events
        assert len(body) <= most_bytes or len(batch) == 1


def test_progress_is_kept(tmp_path: Path) -> None:
    """What was noted is read back, and nothing noted is the start."""
    note = tmp_path / "note"
    assert load_progress(note, URL) == SendProgress(URL)
    progress = SendProgress(URL, 10, 2, 2, 1, ["line 1: why"])
    save_progress(note, progress)
    assert load_progress(note, URL) == progress


@pytest.mark.parametrize("content", [b"", b"{}", b'{"url": "http://other.example"}'])
def test_note_of_another(tmp_path: Path, content: bytes) -> None:
    """A note that is none, or of a sending elsewhere, is refused rather than skip events."""
    note = tmp_path / "note"
    note.write_bytes(content)
    with pytest.raises(SendError, match="--state"):
        load_progress(note, URL)


@pytest.mark.parametrize(
    ("offset", "fits"), [(0, True), (3, True), (6, True), (2, False), (9, False)]
)
def test_resume_at_a_line(offset: int, fits: bool) -> None:  # noqa: FBT001 - a table
    """A sending goes on at the end of a line; a place inside or past the file is refused."""
    file = io.BytesIO(b"{}\n{}\n")
    if fits:
        resume(file, SendProgress(URL, offset), None)
        assert file.tell() == offset
    else:
        with pytest.raises(SendError, match="no end of a line"):
            resume(file, SendProgress(URL, offset), None)


@pytest.fixture
def gate(product: RunningProduct) -> Iterator[tuple[str, list[int], list[Callable[[], object]]]]:
    """Give a way to the collector that counts batches, and does one thing before each answer."""
    counted: list[int] = []
    before_answer: list[Callable[[], object]] = []

    class Gate(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Pass one batch on."""
            body = self.rfile.read(int(self.headers["content-length"]))
            key = {"authorization": self.headers["authorization"]}
            answer = httpx.post(f"{product.url}{self.path}", content=body, headers=key)
            counted.append(len(orjson.loads(body)["batch"]))
            if before_answer:
                before_answer.pop(0)()
            self.send_response(answer.status_code)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Gate) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}", counted, before_answer
        server.shutdown()


def test_killed_and_resumed(
    product: RunningProduct,
    running: CommandLine,
    gate: tuple[str, list[int], list[Callable[[], object]]],
    tmp_path: Path,
) -> None:
    """A sending killed before the answer to its third batch goes on there; each event is once."""
    url, counted, before_answer = gate
    file = tmp_path / "calls.ndjson"
    calls = [
        {
            "type": "track",
            "event": "CTA Clicked",
            "userId": "killed",
            "properties": {"cta_id": f"c{n}", "product": "nbcamp", "track": "kotlin"},
        }
        for n in range(50)
    ]
    file.write_bytes(ndjson(*calls))
    arguments = ["send", str(file), "--url", url, "--batch-events", "10"]
    process: subprocess.Popen[bytes]
    killed = threading.Event()

    def kill() -> None:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        killed.set()

    before_answer += [lambda: None, lambda: None, kill]
    process = subprocess.Popen(
        [sys.executable, "-m", "funnelhouse.cli", *arguments], env=running.environment
    )
    assert killed.wait(60)
    assert (tmp_path / "calls.ndjson.sent").exists()
    assert running.out(*arguments) == "50 events sent, 0 rejected.\n"
    assert counted == [10, 10, 10, 10, 10, 10]
    assert not (tmp_path / "calls.ndjson.sent").exists()
    query = "SELECT count() AS n, uniqExact(properties) AS u FROM events WHERE user_id = 'killed'"
    product.wait_visible(lambda: int(product.sql(query)[0]["n"]) >= 50)
    assert {int(value) for value in product.sql(query)[0].values()} == {50}


def test_again_doubles_nothing(product: RunningProduct, running: CommandLine) -> None:
    """A stream sent twice, without ids of its own, counts once."""
    text = ndjson(
        *({"type": "identify", "userId": "twice", "traits": {"n": n}} for n in range(3)),
        {"type": "track", "event": "End Of Twice", "userId": "twice"},
    )
    for _ in range(2):
        ended = running.run("send", "-", stdin=text)
        assert ended.returncode == 1
        assert b"4 events sent, 1 rejected." in ended.stdout
        assert b"line 4: unknown_event $.event" in ended.stderr
    assert running.run("send", "-", "--allow-rejected", stdin=text).returncode == 0
    seen = """SELECT (SELECT count() FROM rejected_events WHERE sent_name = 'End Of Twice')
        + (SELECT count() FROM duplicate_events
            WHERE event_id IN (SELECT event_id FROM events WHERE user_id = 'twice')) AS n"""
    product.wait_visible(lambda: int(product.sql(seen)[0]["n"]) == 3 + 6)
    (row,) = product.sql("SELECT count() AS n FROM events WHERE user_id = 'twice'")
    assert int(row["n"]) == 3
