"""How long tables keep what was received: the engine's own TTL, set and taken back by settings."""

from collections.abc import Mapping

from clickhouse_connect.driver.client import Client

from funnelhouse.sql.layout import stored

RETAINED = {
    "events": ("events_raw", "toDateTime(received_at)"),
    "rejected": ("rejected_raw", "toDateTime(received_at)"),
    "coverage": ("seen_events", "hour"),
}
"""Tables whose rows may go, with the time that counts.

What reports are made of is in none of them: a person's stages and sessions are refreshed
whenever an event of theirs comes, from all that was ever noted of them.
"""


def retain(client: Client, days: Mapping[str, int]) -> None:
    """Have each table of RETAINED drop rows after so many days; 0 keeps them for ever."""
    for kind, (table, moment) in RETAINED.items():
        after = days.get(kind, 0)
        wanted = f"{moment} + toIntervalDay({after})"
        place = stored(client, table)
        definition = str(client.command(f"SHOW CREATE TABLE {place.partition(' ')[0]}"))
        if after and f"TTL {wanted}" not in definition:
            client.command(f"ALTER TABLE {place} MODIFY TTL {wanted}")
        if not after and "TTL " in definition:
            client.command(f"ALTER TABLE {place} REMOVE TTL")
