import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from funnelhouse.sql.client import WarehouseError, connect
from funnelhouse.sql.location import Warehouse
from funnelhouse.sql.unreachable import why_too_old
from tests.conftest import free_port

PASSWORD = "never-told"
WRONG = "Code: 516. DB::Exception: line: Authentication failed. (AUTHENTICATION_FAILED)"
DENIED = "Code: 497. DB::Exception: line: Not enough privileges. (ACCESS_DENIED)"
Start = Callable[..., int]


class _Answer(BaseHTTPRequestHandler):
    server: "_Server"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(self.server.text)))
        self.end_headers()
        self.wfile.write(self.server.text)

    do_GET = do_POST  # noqa: N815 - the standard library's own name

    def log_message(self, *_: object) -> None: ...


class _Server(ThreadingHTTPServer):
    def __init__(self, status: int, text: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.status, self.text = status, text

    def handle_error(self, *_: object) -> None: ...


@contextmanager
def _serving(server: _Server) -> Iterator[int]:
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """Make a certificate that nobody vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    files = ["-keyout", str(folder / "key"), "-out", str(folder / "certificate")]
    subprocess.run([*made, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    return context


@pytest.fixture
def answering(certificate: ssl.SSLContext) -> Iterator[Start]:
    """Start a server that answers everything alike, by TLS or not, and give its port."""
    with ExitStack() as running:

        def start(text: str, status: int = 403, *, tls: bool = False) -> int:
            server = _Server(status, text.encode())
            if tls:
                server.socket = certificate.wrap_socket(server.socket, server_side=True)
            return running.enter_context(_serving(server))

        yield start


def sentence(url: str) -> str:
    """Connect in vain, and give what is told of it."""
    with pytest.raises(WarehouseError) as caught:
        connect(Warehouse(Path("nowhere"), url.replace("//", f"//line:{PASSWORD}@")))
    return str(caught.value)


@pytest.mark.parametrize(
    ("scheme", "tls", "text", "told"),
    [
        ("http", False, WRONG, "refuses the user or the password"),
        ("http", False, DENIED, "lets this user not create"),
        ("http", False, "<html>", "does not answer as a ClickHouse server"),
        ("https", False, "", "speaks no TLS"),
        ("https", True, "", "shows a certificate that is not trusted"),
        ("http", True, "", "answers no HTTP here"),
    ],
)
def test_what_a_server_does_wrong_is_named(
    scheme: str, text: str, told: str, answering: Start, *, tls: bool
) -> None:
    """Password, rights, TLS and certificate are told apart; the password is not repeated."""
    port = answering(text, tls=tls)
    said = sentence(f"{scheme}://localhost:{port}/funnelhouse")
    assert said.startswith(f"The warehouse at localhost:{port} {told}")
    assert said.endswith(".")
    assert "FUNNELHOUSE_WAREHOUSE" in said
    assert PASSWORD not in said


def test_a_port_where_nobody_listens_is_named() -> None:
    """A port without a server is said to be that, and no other fault."""
    assert "nobody listens" in sentence(f"http://127.0.0.1:{free_port()}/funnelhouse")


def test_a_host_without_an_address_is_named() -> None:
    """A host that no name server knows is said to be that, and no other fault."""
    assert "has no address" in sentence("http://nowhere.invalid/funnelhouse")


@pytest.mark.parametrize(
    ("version", "fits"),
    [("25.8.1.1", True), ("26.1.2.3", True), ("25.7.9.9", False), ("9.12.0", False)],
)
def test_a_server_that_is_too_old_is_named(version: str, *, fits: bool) -> None:
    """Versions are compared by their numbers, and the sentence names both."""
    said = why_too_old("http://line:x@db:8123", version)
    assert (said == "") == fits
    assert fits or (version in said and "25.8" in said and "db:8123" in said)
