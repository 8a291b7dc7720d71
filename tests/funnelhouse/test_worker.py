"""A collector worker as a process."""

import subprocess
import sys


def test_a_worker_holds_nothing_of_the_warehouse() -> None:
    """Neither the engine nor its client is loaded: collectors open no warehouse and stay small."""
    code = (
        "import sys, funnelhouse.processes.worker;"
        "print({'chdb', 'clickhouse_connect'} & sys.modules.keys() or 'neither')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert ended.stdout == b"neither\n"
