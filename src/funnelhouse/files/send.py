"""Sends tracking calls through the collector, batch after batch.

Every line is answered for: sent again until the collector has it, or counted as rejected.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from tenacity import Retrying, retry_if_exception_type, stop_after_delay
from tenacity.wait import wait_random_exponential

from funnelhouse.files.calls import Batching, CallLine, batches
from funnelhouse.files.send_progress import SendError, SendProgress

_NOBODY = frozenset({502, 504})
_LATER = frozenset({429, 503})
_TOO_LARGE = 413
_WAIT_S = 5.0


class NoAnswerError(SendError):
    """Nobody took the request, or a proxy says so."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Posts batches until each is answered; gives up after `patience_s` without any answer."""

    http: httpx.Client
    batching: Batching
    tell: Callable[[str], None]
    patience_s: float = 60.0
    sleep: Callable[[float], None] = time.sleep

    def send(self, calls: Iterator[CallLine], progress: SendProgress) -> Iterator[SendProgress]:
        """Send calls in order; yields the progress after each answered batch.

        Raises:
            SendError: the collector refuses a request as a whole, or does not answer.
        """
        for batch in batches(calls, self.batching):
            verdicts = self._verdicts([call for call in batch if call.text is not None])
            for call in batch:
                verdict = verdicts.get(call.line) if call.text is not None else "not a JSON object"
                progress.note(call.line, call.end, verdict)
                progress.sent += call.text is not None
            yield progress

    def _verdicts(self, calls: Sequence[CallLine]) -> dict[int, str]:
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
