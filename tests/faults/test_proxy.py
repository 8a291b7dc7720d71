"""Connections to a server are lost before, during and after an insert: still exactly once."""

from pathlib import Path

import pytest

from tests.conftest import free_port
from tests.faults.proxy import KINDS, harming
from tests.faults.senders import sending
from tests.faults.test_outage import PAUSE_S, all_loaded, stand_in, started


@pytest.mark.parametrize(
    ("seed", "times"), [(1, 1), *(pytest.param(n, 2, marks=pytest.mark.slow) for n in range(1, 6))]
)
def test_lost_connections_lose_and_double_nothing(tmp_path: Path, seed: int, times: int) -> None:
    """While requests and answers are cut, delayed and lost at random, each event is loaded once."""
    port = free_port()
    with stand_in(tmp_path / "server", port), harming(port, seed, one_in=30) as proxy:
        url = f"http://default@127.0.0.1:{proxy.port}/funnelhouse"
        with started(tmp_path / "data", url) as product:
            with sending(product.url, threads=1, pause_s=PAUSE_S) as senders:
                product.wait_visible(lambda: all(proxy.done[kind] >= times for kind in KINDS), 120)
                proxy.calm = True
            all_loaded(product, senders)
