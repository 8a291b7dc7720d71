from threading import Thread

from clickhouse_connect.driver.exceptions import DatabaseError

from funnelhouse.sql.backfill import GROWING, events_read, stop_growing
from funnelhouse.sql.client import connection
from tests.conftest import PreparedWarehouse

MINUTES = """
SELECT count() FROM numbers(1000000) WHERE NOT ignore(sleepEachRow(0.0001))
SETTINGS max_block_size = 1000, max_threads = 1
"""


def test_growth_is_seen_and_stopped(warehouse: PreparedWarehouse) -> None:
    """While the statement runs its rows are counted over another connection, which can end it."""
    ended: list[BaseException] = []

    def grow() -> None:
        with connection(warehouse.place) as client:
            try:
                client.query(MINUTES, settings=GROWING)
            except DatabaseError as error:
                ended.append(error)

    thread = Thread(target=grow)
    thread.start()
    seen = [(0, 0)]
    while seen[-1][0] <= seen[0][0] and thread.is_alive():
        seen.append(events_read(warehouse.client))
    stop_growing(warehouse.client)
    thread.join()
    assert 0 < seen[-1][0] < seen[-1][1] == 1_000_000
    assert "cancelled" in str(ended[0])
    assert events_read(warehouse.client) == (0, 0)


def test_other_statements_go_on(warehouse: PreparedWarehouse) -> None:
    """Where nothing grows nothing is counted, and stopping it stops nothing else."""
    assert events_read(warehouse.client) == (0, 0)
    stop_growing(warehouse.client)
    assert warehouse.client.query("SELECT 1").result_rows == [(1,)]
