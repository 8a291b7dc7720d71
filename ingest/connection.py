"""One HTTP connection: uvicorn's own, with a bound on headers and our one shape of errors.

What is refused here never became a request: nobody knows whose it is, so nothing is kept of it.
"""

from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ingest import answers
from ingest.answers import Answer

MAX_HEAD_BYTES = 65_536
"""The most that a request line and its headers may hold together, about."""


class Connection(HttpToolsProtocol):
    """Takes requests off a socket; uvicorn itself bounds neither the URL nor the headers."""

    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Parse what came; a head that is not complete yet may not grow for ever."""
        super().data_received(data)
        if self.scope is None or "method" in self.scope:
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            detail = f"URL and headers are larger than {MAX_HEAD_BYTES} bytes; send fewer."
            self._refuse(answers.error(431, "headers_too_large", detail))

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own words
        """Answer what is no HTTP in the shape of all errors."""
        detail = "This is no HTTP request; send HTTP/1.1 with percent-encoded URLs."
        self._refuse(answers.error(400, "not_http", detail))

    def _refuse(self, answer: Answer) -> None:
        head = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n".encode()
        lines = [b"%b: %b\r\n" % header for header in [*answer.headers, (b"connection", b"close")]]
        self.transport.write(b"".join([head, *lines, b"\r\n", answer.body]))
        self.transport.close()
