"""Who owns which device at which moment: the refresh's own rule, for others that follow it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from clickhouse_connect.driver.client import Client

from sql.statements import Statements

_LOGINS = """
INSERT INTO logins
SELECT *
FROM device_logins FINAL
WHERE anonymous_id = {device:String}
    OR anonymous_id IN (
        SELECT anonymous_id FROM device_logins WHERE user_id IN {users:Array(String)}
    )
"""
_RULE = ("058_copies", "060_owners")


@contextmanager
def owners_of_devices(client: Client, users: Sequence[str], device: str) -> Iterator[None]:
    """Have a temporary table `owners` within a `with` block.

    It holds until when each person owns the anonymous events of a device: of all devices on which
    one of the users ever logged in, and of one device by its id. Nothing may be refreshed
    meanwhile.
    """
    statements = Statements(client, {})
    with statements.scratch():
        client.command(_LOGINS, parameters={"users": list(users), "device": device})
        statements.run(*_RULE)
        yield
