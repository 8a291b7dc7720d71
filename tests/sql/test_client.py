"""Connections to the warehouse: what holds of each of them."""

import pytest

from funnelhouse.sql.client import connection
from tests.conftest import PreparedWarehouse


@pytest.mark.parametrize("readonly", [False, True])
def test_no_condition_is_remembered(warehouse: PreparedWarehouse, *, readonly: bool) -> None:
    """What one query found nowhere hides nothing from the next: the engine does not note it."""
    warehouse.client.command("SYSTEM DROP QUERY CONDITION CACHE")
    with connection(warehouse.place, readonly=readonly) as client:
        client.query("SELECT count() FROM schema_migrations WHERE checksum = 'of none'")
    noted = warehouse.client.query("SELECT count() FROM system.query_condition_cache").result_rows
    assert noted == [(0,)]
