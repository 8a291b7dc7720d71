"""Another session timeout: everybody is refreshed, a share at a time."""

from collections.abc import Callable

from clickhouse_connect.driver.client import Client

from funnelhouse.sql.refresh import Refresh

_EVENTS_A_BUCKET = 1_000_000
_LAST = "SELECT timeout_s, done FROM session_states ORDER BY since DESC LIMIT 1"


def refresh_sessions(
    client: Client, refresh: Refresh, note: Callable[[str, int, int], None]
) -> bool:
    """Refresh all sessions by the refresh's timeout; False when they are already.

    Loads may go on meanwhile, by the new timeout; until the end views read sessions of both. What
    is broken off begins anew the next time.
    """
    timeout_s = refresh.session_timeout_s
    if client.query(_LAST).result_rows == [(timeout_s, True)]:
        return False
    _remember(client, timeout_s, done=False)
    ((events,),) = client.query("SELECT count() FROM session_events").result_rows
    buckets = -(-events // _EVENTS_A_BUCKET)
    for bucket in range(buckets):
        note("sessions", bucket, buckets)
        refresh.share(client, bucket, buckets)
    _remember(client, timeout_s, done=True)
    return True


def _remember(client: Client, timeout_s: int, *, done: bool) -> None:
    client.insert("session_states", [[timeout_s, done]], column_names=["timeout_s", "done"])
