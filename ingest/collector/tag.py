"""The browser tag as the collector serves it: minified, compressed, with version and integrity.

`/tag.js` is what pages load, `/tag/<part>.js` what it loads itself, `/tag.json` tells its version.
"""

import base64
import gzip
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

import brotli  # type: ignore[import-untyped]  # the package ships no types
import orjson

from funnelhouse.ingest.collector import answers
from funnelhouse.ingest.collector.answers import Answer, Headers
from funnelhouse.ingest.collector.http import Receive, Scope, Send, send_answer
from funnelhouse.ingest.collector.minification import minified

MAIN = "/tag.js"
DESCRIPTION = "/tag.json"
_JAVASCRIPT = b"text/javascript; charset=utf-8"
_JSON = b"application/json"
_FOR_GOOD = b"public, max-age=31536000, immutable"
_FOR_NOW = b"public, max-age=600, stale-while-revalidate=86400"
_FOR_A_MINUTE = b"public, max-age=60, stale-while-revalidate=600"

Endings = Mapping[str, Callable[[], object]]
"""Of each part that ends with what the plan says at the moment: what gives that, as JSON."""


@dataclass(frozen=True, slots=True)
class TagFile:
    """One file ready to be sent, plain and compressed, with its entity tag."""

    kind: bytes
    etag: bytes
    bodies: dict[bytes, bytes]

    @classmethod
    def of(cls, text: bytes, kind: bytes = _JAVASCRIPT) -> "TagFile":
        """Compress a file as far as it goes; it is sent many times."""
        etag = b'"%b"' % _digest(text)[:20].encode()
        bodies = {b"br": brotli.compress(text), b"gzip": gzip.compress(text, mtime=0), b"": text}
        return cls(kind, etag, bodies)

    def answer(self, header: dict[bytes, bytes], cache: bytes) -> Answer:
        """Answer a GET: whole, or 304 to who has it (RFC 9110 section 13.1.2)."""
        accepted = {part.split(b";")[0].strip() for part in _accepted(header)}
        coding = next((name for name in self.bodies if name in accepted), b"")
        headers: Headers = [
            (b"etag", self.etag),
            (b"cache-control", cache),
            (b"vary", b"accept-encoding"),
            (b"access-control-allow-origin", b"*"),
            (b"cross-origin-resource-policy", b"cross-origin"),
            answers.NOSNIFF,
        ]
        if self.etag in header.get(b"if-none-match", b"") or header.get(b"if-none-match") == b"*":
            return Answer(304, headers, b"")
        body = self.bodies[coding]
        length = (b"content-length", b"%d" % len(body))
        headers += [(b"content-type", self.kind), length]
        if coding:
            headers.append((b"content-encoding", coding))
        return Answer(200, headers, body)


def _accepted(header: dict[bytes, bytes]) -> Iterator[bytes]:
    """Codings that the client takes; one with a weight of 0 it does not."""
    for part in header.get(b"accept-encoding", b"").lower().split(b","):
        weight = part.partition(b"q=")[2].strip()
        if not weight or weight.strip(b"0."):
            yield part


class Tag:
    """An ASGI application that answers for the tag; `rest` answers every other path."""

    def __init__(self, folder: Path, endings: Endings, rest: object) -> None:
        self._rest = rest
        self._endings = {f"/tag/{part}.js": (part, given) for part, given in endings.items()}
        files = minified(
            {file.stem: file.read_text("utf-8") for file in sorted(folder.glob("*.js"))}
        )
        self._ended = {part: files.pop(part).encode() for part in endings}
        main = files.pop("funnelhouse").encode()
        self.version = _digest(b"\0".join([main, *(text.encode() for text in files.values())]))[:12]
        self._documents = {
            MAIN: TagFile.of(main),
            DESCRIPTION: TagFile.of(_description(main, self.version), _JSON),
            **{f"/tag/{name}.js": TagFile.of(text.encode()) for name, text in files.items()},
        }
        self._served: dict[str, tuple[bytes, TagFile]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "")
        if path not in self._documents and path not in self._endings:
            await self._rest(scope, receive, send)  # type: ignore[operator]
        elif scope["method"] not in ("GET", "HEAD"):
            await send_answer(send, answers.wrong_method("GET, HEAD"), b"")
        else:
            answer = self._answer(path, scope)
            sent = answer._replace(body=b"") if scope["method"] == "HEAD" else answer
            await send_answer(send, sent, b"")

    def _answer(self, path: str, scope: Scope) -> Answer:
        header = dict(scope["headers"])
        if path in self._endings:
            return self._with_ending(*self._endings[path]).answer(header, _FOR_A_MINUTE)
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("v")
        cache = _FOR_GOOD if asked == [self.version] and path != DESCRIPTION else _FOR_NOW
        return self._documents[path].answer(header, cache)

    def _with_ending(self, part: str, given: Callable[[], object]) -> TagFile:
        """Return a part with what the plan says at the moment at its end."""
        text = b"%b;fhTag.%b(%b)" % (self._ended[part], part.encode(), orjson.dumps(given()))
        if part not in self._served or self._served[part][0] != text:
            self._served[part] = text, TagFile.of(text)
        return self._served[part][1]


def _description(main: bytes, version: str) -> bytes:
    integrity = base64.b64encode(hashlib.sha384(main).digest()).decode()
    return orjson.dumps(
        {
            "version": version,
            "src": f"{MAIN}?v={version}",
            "integrity": f"sha384-{integrity}",
            "bytes": len(main),
            "gzip_bytes": len(gzip.compress(main)),
        }
    )


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
