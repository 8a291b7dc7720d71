"""Who is measured: the product, and the baselines beside it."""

import sys
from pathlib import Path

from bench.server import Contender, free_port

_PRODUCT = (
    "from funnelhouse.settings import Settings;"
    " from funnelhouse.processes.supervisor import Supervisor;"
    " raise SystemExit(Supervisor(Settings(), collect={collect}, warehouse={warehouse}).run())"
)
_NGINX = """daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000000; client_body_buffer_size 128k;
server {{ listen 127.0.0.1:{port}; location / {{ return 202; }} }} }}
"""


def product(folder: Path, *, collect: bool, warehouse: bool) -> Contender:
    """The product with one worker, on a data folder of its own."""
    port, console = free_port(), free_port()
    code = _PRODUCT.format(collect=collect, warehouse=warehouse)
    environment = {
        "FUNNELHOUSE_DATA": str(folder),
        "FUNNELHOUSE_COLLECTOR": f"127.0.0.1:{port}",
        "FUNNELHOUSE_CONSOLE": f"127.0.0.1:{console}",
        "FUNNELHOUSE_WORKERS": "1",
        "FUNNELHOUSE_SPOOL_MAX_BYTES": str(1 << 40),
        "FUNNELHOUSE_RATE_EVENTS_PER_S": "1e9",
        "FUNNELHOUSE_RATE_BYTES_PER_S": "1e12",
    }
    listens = port if collect else console
    return Contender("collector", (sys.executable, "-c", code), listens, environment=environment)


def fastapi(_folder: Path) -> Contender:
    """A FastAPI route that parses and answers: nothing is kept."""
    return _uvicorn("FastAPI, parse only", "bench.baselines.plain:app")


def fastapi_insert(folder: Path) -> Contender:
    """A FastAPI route that inserts each request into the embedded engine."""
    return _uvicorn("FastAPI, insert each", "bench.baselines.inserting:app", str(folder))


def _uvicorn(name: str, app: str, folder: str = "") -> Contender:
    port = free_port()
    command = (sys.executable, "-m", "uvicorn", app, "--port", str(port), "--no-access-log")
    return Contender(name, command, port, environment={"BENCH_FOLDER": folder})


def nginx(folder: Path) -> Contender:
    """Debian's nginx, which answers 202 and keeps nothing."""
    port = free_port()
    file = folder / "nginx.conf"
    file.write_text(_NGINX.format(folder=folder, port=port))
    return Contender("nginx 202", ("nginx", "-c", str(file), "-p", str(folder)), port, "nginx")


def redis(folder: Path) -> Contender:
    """Debian's Redis with every write synced before its answer."""
    port = free_port()
    options: tuple[object, ...] = (
        "--port",
        port,
        "--bind",
        "127.0.0.1",
        "--dir",
        folder,
        "--save",
        "",
    )
    options += ("--appendonly", "yes", "--appendfsync", "always")
    command = ("redis-server", *map(str, options))
    return Contender("Redis XADD, fsync always", command, port, "redis-server")
