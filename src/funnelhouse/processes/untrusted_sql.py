"""Who runs what strangers write: readers of the embedded engine, the server itself, or nobody."""

from funnelhouse.console.readers.confinement import why_not
from funnelhouse.console.readers.pool import Budget
from funnelhouse.console.readers.statement_runner import Nobody, Readers, Server, Strangers
from funnelhouse.settings import Settings


def why_unconfined(settings: Settings) -> str:
    """Say why statements cannot be kept from this machine's files, "" where they are."""
    return "" if settings.warehouse else why_not()


def strangers_of(settings: Settings) -> Strangers:
    """Choose by the settings, and by what the kernel can do."""
    budget = Budget(settings.sql_at_once, settings.sql_max_seconds, settings.sql_memory_bytes)
    if settings.warehouse:
        return Server(settings.warehouse_place, budget)
    why = why_unconfined(settings)
    if why and not settings.sql_unconfined:
        return Nobody(
            f"Statements are not run here, since they could read this machine's files: {why};"
            " FUNNELHOUSE_SQL_UNCONFINED=true runs them all the same."
        )
    return Readers(settings.warehouse_place, budget, confined=not why)
