"""Who owns which device at which moment: the refresh's own rule, for others that follow it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from clickhouse_connect.driver.client import Client

from funnelhouse.sql.layout import catch_up
from funnelhouse.sql.lineage import models, statement
from funnelhouse.sql.refresh import LINKS

_ASKED = """
INSERT INTO asked_devices
SELECT DISTINCT anonymous_id
FROM device_logins
WHERE anonymous_id = {device:String}
    OR anonymous_id IN (
        SELECT anonymous_id FROM device_logins WHERE user_id IN {users:Array(String)}
    )
"""


@contextmanager
def owners_of_devices(client: Client, users: Sequence[str], device: str) -> Iterator[None]:
    """Have a temporary table `owners` within a `with` block.

    It holds until when each person owns the anonymous events of a device: of all devices on which
    one of the users ever logged in, and of one device by its id. Nothing may be refreshed
    meanwhile.
    """
    catch_up(client, *LINKS)
    client.command("CREATE OR REPLACE TEMPORARY TABLE asked_devices (id String) ENGINE = Memory")
    client.command(_ASKED, parameters={"users": list(users), "device": device})
    client.command(statement(models()["owners_of_asked"], {"devices": "asked_devices"}))
    yield
    client.command("DROP TEMPORARY TABLE IF EXISTS owners, asked_devices")
