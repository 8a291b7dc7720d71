"""Sends tracking calls, one a line, through the collector, and knows how far it came.

Every line is answered for: sent again until the collector has it, or counted as rejected.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from uuid import UUID

import httpx
import msgspec
import orjson
from tenacity import Retrying, retry_if_exception_type, stop_after_delay
from tenacity.wait import wait_random_exponential

from ingest.protocols.segment import replace
from transforms.identity import event_id

_SHOWN_REJECTIONS = 5
_ENVELOPE_BYTES = len(b'{"batch":[]}')
_NOBODY = frozenset({502, 504})
_LATER = frozenset({429, 503})
_TOO_LARGE = 413
_WAIT_S = 5.0


class SendError(Exception):
    """Sending cannot go on; as text one sentence with the mend."""


class NoAnswerError(SendError):
    """Nobody took the request, or a proxy says so."""


class Call(NamedTuple):
    """One line of a file: its number, where it ends, and the call that it is.

    `message_id` is "" where the call bears a number; `text` is None for a line that is no call.
    """

    line: int
    end: int
    message_id: str
    text: bytes | None


class Progress(msgspec.Struct):
    """How far a file was sent to `url`: bytes and lines answered for, and what became of them."""

    url: str
    offset: int = 0
    line: int = 0
    sent: int = 0
    rejected: int = 0
    examples: list[str] = []


class Batching(NamedTuple):
    """The most events and bytes that one request carries."""

    events: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Sender:
    """Posts batches until each is answered; gives up after `patience_s` without any answer."""

    http: httpx.Client
    batching: Batching
    tell: Callable[[str], None]
    patience_s: float = 60.0
    sleep: Callable[[float], None] = time.sleep

    def send(self, calls: Iterator[Call], progress: Progress) -> Iterator[Progress]:
        """Send calls in order; yields the progress after each answered batch.

        Raises:
            SendError: the collector refuses a request as a whole, or does not answer.
        """
        for batch in batches(calls, self.batching):
            verdicts = self._verdicts([call for call in batch if call.text is not None])
            for call in batch:
                verdict = verdicts.get(call.line) if call.text is not None else "not a JSON object"
                _note(progress, call, verdict)
            yield progress

    def _verdicts(self, calls: Sequence[Call]) -> dict[int, str]:
        """Post calls and return why each rejected one was, by its line."""
        if not calls:
            return {}
        answer = self._answer(b'{"batch":[%b]}' % b",".join(call.text or b"" for call in calls))
        if answer.status_code == _TOO_LARGE:
            if len(calls) == 1:
                return {calls[0].line: f"too_large: {_detail(answer)}"}
            middle = len(calls) // 2
            return self._verdicts(calls[:middle]) | self._verdicts(calls[middle:])
        results = _results(answer)
        return {
            call.line: _told(results[label])
            for index, call in enumerate(calls)
            if (label := call.message_id or str(index)) in results
        }

    def _answer(self, body: bytes) -> httpx.Response:
        """Post a body until it is answered with more than "later"."""
        patiently = Retrying(
            retry=retry_if_exception_type(NoAnswerError),
            stop=stop_after_delay(self.patience_s),
            wait=wait_random_exponential(multiplier=0.2, max=10.0),
            sleep=self.sleep,
            before_sleep=lambda attempt: self.tell(f"no answer, attempt {attempt.attempt_number}"),
            reraise=True,
        )
        while True:
            answer = patiently(self._post, body)
            if answer.status_code not in _LATER:
                return answer
            wait_s = _retry_after_s(answer)
            self.tell(f"the collector asks to wait {wait_s:.0f} s: {_detail(answer)}")
            self.sleep(wait_s)

    def _post(self, body: bytes) -> httpx.Response:
        try:
            answer = self.http.post("/v1/batch", content=body)
        except httpx.TransportError as error:
            raise NoAnswerError(
                f"The collector at {self.http.base_url} does not answer ({error}); start it with"
                " `funnelhouse up`, or set FUNNELHOUSE_COLLECTOR or --url, then send again."
            ) from error
        if answer.status_code in _NOBODY:
            raise NoAnswerError(
                f"{self.http.base_url} answers {answer.status_code} in place of the collector;"
                " mend the proxy, then send again."
            )
        return answer


def read_calls(file: BinaryIO, start: Progress) -> Iterator[Call]:
    """Read NDJSON from where `start` ended; blank lines are passed over.

    A call without a messageId gets one made from its line number and text, so that sending the
    same file again doubles nothing.
    """
    line, end = start.line, start.offset
    for raw in file:
        line += 1
        end += len(raw)
        text = raw.strip()
        if text:
            yield _call(line, end, text)


def batches(calls: Iterator[Call], most: Batching) -> Iterator[list[Call]]:
    """Group calls into batches within both limits; one call over the bytes goes alone."""
    batch: list[Call] = []
    size = _ENVELOPE_BYTES
    for call in calls:
        more = len(call.text or b"") + 1
        if batch and (len(batch) == most.events or size + more > most.bytes):
            yield batch
            batch, size = [], _ENVELOPE_BYTES
        batch.append(call)
        size += more
    if batch:
        yield batch


def load_progress(path: Path | None, url: str) -> Progress:
    """Read how far a file was sent, the start where nothing was noted.

    Raises:
        SendError: the note cannot be read, or belongs to another collector.
    """
    if path is None or not path.exists():
        return Progress(url)
    try:
        progress = msgspec.json.decode(path.read_bytes(), type=Progress)
    except msgspec.DecodeError as error:
        raise SendError(
            f"{path} is no note of how far a file was sent; remove it, or name another --state."
        ) from error
    if progress.url != url:
        raise SendError(
            f"{path} notes a sending to {progress.url}, not to {url}; remove it to send all,"
            " or name another --state."
        )
    return progress


def save_progress(path: Path, progress: Progress) -> None:
    """Note how far a file was sent, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(msgspec.json.encode(progress))
    fresh.replace(path)


def resume(file: BinaryIO, progress: Progress, state: Path | None) -> None:
    """Go to where an earlier sending of the file ended.

    Raises:
        SendError: no line ends there, so it is another file by now.
    """
    if not progress.offset:
        return
    file.seek(progress.offset - 1)
    last, following = file.read(1), file.read(1)
    if not last or (last != b"\n" and following):
        raise SendError(
            f"{state} notes a place that is no end of a line in this file; remove it to send all."
        )
    file.seek(progress.offset)


def _call(line: int, end: int, text: bytes) -> Call:
    try:
        item = orjson.loads(text)
    except orjson.JSONDecodeError:
        item = None
    if type(item) is not dict:
        return Call(line, end, "", None)
    sent = item.get("messageId")
    if type(sent) is str and sent.strip():
        return Call(line, end, sent, text)
    if type(sent) in {int, float}:
        return Call(line, end, "", text)
    made = _message_id(line, text)
    return Call(line, end, made, replace(text, messageId=made))


def _message_id(line: int, text: bytes) -> str:
    return str(UUID(bytes=event_id(f"{line} {text.decode()}", "send")))


def _note(progress: Progress, call: Call, verdict: str | None) -> None:
    progress.line, progress.offset = call.line, call.end
    progress.sent += call.text is not None
    if verdict is None:
        return
    progress.rejected += 1
    if len(progress.examples) < _SHOWN_REJECTIONS:
        progress.examples.append(f"line {call.line}: {verdict}")


def _results(answer: httpx.Response) -> dict[str, Any]:
    """Return the results of an answer by label.

    Raises:
        SendError: it is no success.
    """
    if answer.status_code != httpx.codes.OK:
        raise SendError(
            f"The collector refuses to take events ({answer.status_code}): {_detail(answer)}"
        )
    document = _document(answer)
    if document.get("success") is not True:
        raise SendError(f"What answers at {answer.url} is no collector; correct --url.")
    results = document.get("results", {})
    return results if type(results) is dict else {}


def _told(result: Any) -> str:
    return " ".join(str(result.get(name, "")) for name in ("reason", "path", "detail"))


def _detail(answer: httpx.Response) -> str:
    error = _document(answer).get("error")
    detail = error.get("detail") if type(error) is dict else None
    return str(detail or "it gives no reason; check --url.")


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return {}
    return document if type(document) is dict else {}


def _retry_after_s(answer: httpx.Response) -> float:
    seconds = answer.headers.get("retry-after", "")
    return float(seconds) if seconds.isdigit() else _WAIT_S
