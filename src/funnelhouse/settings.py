"""Every setting with its name, default and meaning; read from FUNNELHOUSE_* and from options."""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from funnelhouse.console.access.host_names import host_names
from funnelhouse.ingest.collector.connections import ConnectionLimits
from funnelhouse.ingest.collector.keys import WriteKey, parse_write_keys
from funnelhouse.ingest.log.spool import SpoolConfig
from funnelhouse.ingest.validation.limits import Limits
from funnelhouse.processes.address import host_and_port, is_loopback
from funnelhouse.processes.secret import fit_secret, kept_secret
from funnelhouse.sql.location import Warehouse

SHIPPED_PLAN = Path(__file__).parent / "schemas"
_DEV_KEYS = "dev:web"
_LIMITS = Limits()
_CONNECTIONS = ConnectionLimits()
_CLUSTER = re.compile(r"[A-Za-z0-9_-]+")
_MOST_DAYS = 18_250
"""Fifty years: the engine's times end in 2106."""


class Settings(BaseSettings):
    """The product's settings; each is also an option of the commands, with dashes."""

    model_config = SettingsConfigDict(env_prefix="FUNNELHOUSE_", frozen=True)

    data: Annotated[Path, Field(description="Folder of the spool and the embedded engine.")] = Path(
        "data"
    )
    collector: Annotated[str, Field(description="Address that takes events, host:port.")] = (
        "127.0.0.1:8080"
    )
    console: Annotated[str, Field(description="Address of the warehouse process, host:port.")] = (
        "127.0.0.1:8081"
    )
    sql: Annotated[
        str,
        Field(
            description="Address of the read-only SQL endpoint of the embedded engine, host:port;"
            " empty for none."
        ),
    ] = "127.0.0.1:8123"
    warehouse: Annotated[
        str,
        Field(
            description="Empty for the embedded engine in the data folder, or"
            " http(s)://user:password@host:8123/database of a ClickHouse server."
        ),
    ] = ""
    cluster: Annotated[
        str,
        Field(
            description="Name of the cluster that this server belongs to, to spread tables over it;"
            " empty for one server."
        ),
    ] = ""
    plan: Annotated[Path, Field(description="Folder of the tracking plan.")] = SHIPPED_PLAN
    unknown_events: Annotated[
        Literal["reject", "accept"],
        Field(description="What happens to events that the plan does not know."),
    ] = "reject"
    workers: Annotated[
        int, Field(ge=0, le=256, description="Collector processes; 0 is one a core.")
    ] = 0
    timezone: Annotated[str, Field(description="Time zone of days and weeks in reports.")] = (
        "Asia/Seoul"
    )
    session_timeout_s: Annotated[
        int, Field(gt=0, description="Seconds without an event that end a session.")
    ] = 1800
    write_keys: Annotated[
        str,
        Field(
            description="key:source[:server][@origin|origin…],…"
            " (dev:web when empty and bound to loopback)."
        ),
    ] = ""
    snowplow_key: Annotated[
        str,
        Field(
            description="Write key that Snowplow's trackers count for, since they send none;"
            " its origins are the pages that may. Empty takes none of theirs."
        ),
    ] = ""
    read_keys: Annotated[
        str,
        Field(description="Keys that may read views at /export, comma separated; empty for none."),
    ] = ""
    host_names: Annotated[
        str,
        Field(
            description="Names by which the warehouse process is asked, and the collector for its"
            " metrics, comma separated; addresses and localhost need none."
        ),
    ] = ""
    secret: Annotated[
        str,
        Field(description="Key of the hashes of personal fields; made once in the data folder."),
    ] = ""
    redact_patterns: Annotated[
        bool,
        Field(
            description="Hash what looks like an e-mail address, a phone, card or resident number,"
            " a password or token, wherever it stands."
        ),
    ] = True
    mask_ip: Annotated[bool, Field(description="Cut addresses to /24 and /48.")] = True
    trusted_proxies: Annotated[
        str, Field(description="Addresses whose X-Forwarded-For is believed, comma separated.")
    ] = ""
    max_body_bytes: Annotated[int, Field(gt=0, description="Largest body as sent.")] = (
        _LIMITS.max_body_bytes
    )
    max_inflated_bytes: Annotated[int, Field(gt=0, description="Largest body once inflated.")] = (
        _LIMITS.max_inflated_bytes
    )
    max_event_bytes: Annotated[int, Field(gt=0, description="Largest event.")] = (
        _LIMITS.max_event_bytes
    )
    max_batch_events: Annotated[int, Field(gt=0, description="Most events in a batch.")] = (
        _LIMITS.max_batch_events
    )
    max_values: Annotated[
        int, Field(gt=0, description="Most JSON values, or protobuf fields, in a body.")
    ] = _LIMITS.max_values
    max_context_bytes: Annotated[
        int, Field(gt=0, description="Most bytes that a batch's own context adds to its events.")
    ] = _LIMITS.max_context_bytes
    max_waiting_bytes: Annotated[
        int, Field(gt=0, description="Most bytes of large bodies that wait for their turn.")
    ] = _LIMITS.max_waiting_bytes
    max_depth: Annotated[int, Field(gt=0, le=256, description="Deepest nesting of an event.")] = (
        _LIMITS.max_depth
    )
    max_string_length: Annotated[int, Field(gt=0, description="Longest text in an event.")] = (
        _LIMITS.max_string_length
    )
    max_future_ms: Annotated[
        int, Field(ge=0, description="How far ahead an event's time may lie.")
    ] = _LIMITS.max_future_ms
    max_age_ms: Annotated[
        int, Field(ge=0, description="How old an event may be; 0 is any age.")
    ] = _LIMITS.max_age_ms
    rate_events_per_s: Annotated[
        float, Field(ge=0, description="Events a second and key; 0 is unlimited.")
    ] = 20_000
    rate_burst_events: Annotated[
        int, Field(gt=0, description="Events that a key may send at once within its rate.")
    ] = 200_000
    rate_bytes_per_s: Annotated[
        float, Field(ge=0, description="Inflated bytes a second and key; 0 is unlimited.")
    ] = 32 * 1024**2
    rate_burst_bytes: Annotated[
        int, Field(gt=0, description="Bytes that a key may send at once within its rate.")
    ] = 512 * 1024**2
    head_timeout_s: Annotated[
        float, Field(gt=0, description="Seconds in which the head of a request must be whole.")
    ] = _CONNECTIONS.head_timeout_s
    body_bytes_per_s: Annotated[
        int, Field(gt=0, description="Least rate of a body after as many seconds.")
    ] = _CONNECTIONS.body_bytes_per_s
    keep_alive_s: Annotated[
        int, Field(gt=0, description="Seconds for which an idle connection is kept.")
    ] = 5
    max_connections: Annotated[int, Field(gt=0, description="Most connections of a worker.")] = (
        _CONNECTIONS.max_connections
    )
    max_connections_per_address: Annotated[
        int, Field(gt=0, description="Most of them of one address; trusted proxies are free.")
    ] = _CONNECTIONS.max_connections_per_address
    max_unfinished_bytes: Annotated[
        int, Field(gt=0, description="Most bytes of unfinished requests in a worker.")
    ] = _CONNECTIONS.max_unfinished_bytes
    max_unfinished_bytes_per_address: Annotated[
        int, Field(gt=0, description="Most of them of one address; trusted proxies are free.")
    ] = _CONNECTIONS.max_unfinished_bytes_per_address
    spool_max_bytes: Annotated[
        int, Field(gt=0, description="Most bytes in the spool; beyond it 503 is answered.")
    ] = 10 * 1024**3
    segment_bytes: Annotated[int, Field(gt=0, description="Size at which a segment is sealed.")] = (
        64 * 1024**2
    )
    segment_age_ms: Annotated[int, Field(gt=0, description="Age at which a segment is sealed.")] = (
        500
    )
    commit_interval_ms: Annotated[
        float, Field(ge=0, description="Wait for more events before a sync; 0 waits for none.")
    ] = 0
    commit_events: Annotated[int, Field(gt=0, description="Events that are synced at once.")] = (
        10_000
    )
    load_max_bytes: Annotated[int, Field(gt=0, description="Most segment bytes in one load.")] = (
        128 * 1024**2
    )
    export_max_rows: Annotated[int, Field(ge=1000, description="Most rows of one export.")] = (
        1_000_000
    )
    retention_events_days: Annotated[
        int,
        Field(
            ge=0,
            le=_MOST_DAYS,
            description="Days that `events` keeps an event; 0 is for ever. Reports outlive it.",
        ),
    ] = 0
    retention_rejected_days: Annotated[
        int,
        Field(
            ge=0,
            le=_MOST_DAYS,
            description="Days that `rejected_events` keeps an event; 0 is for ever.",
        ),
    ] = 0
    retention_coverage_days: Annotated[
        int,
        Field(
            ge=0,
            le=_MOST_DAYS,
            description="Days that coverage looks back at most; 0 is for ever.",
        ),
    ] = 0
    archive: Annotated[
        str,
        Field(
            description="Folders of archives, comma separated, in which a rebuild finds events that"
            " retention has dropped; empty for none."
        ),
    ] = ""
    alert_webhook: Annotated[
        str, Field(description="Slack-compatible webhook that is told of alerts; empty for none.")
    ] = ""
    alertmanager: Annotated[
        str, Field(description="Address of an Alertmanager, http://host:9093; empty for none.")
    ] = ""
    alerts_every_s: Annotated[
        float, Field(gt=0, description="How often the plan's alerts are evaluated.")
    ] = 60
    sql_max_seconds: Annotated[
        int,
        Field(
            gt=0,
            description="Longest statement of endpoint, editor and exports, waiting included; it is"
            " killed a second later.",
        ),
    ] = 60
    sql_max_memory_bytes: Annotated[
        int, Field(gt=0, description="Most memory of one query by the endpoint.")
    ] = 2 * 1024**3
    sql_memory_bytes: Annotated[
        int,
        Field(
            ge=512 * 1024**2,
            description="Most memory of all that endpoint, editor and exports run together.",
        ),
    ] = 2 * 1024**3
    sql_max_rows: Annotated[int, Field(gt=0, description="Most rows of one answer of it.")] = (
        1_000_000
    )
    sql_at_once: Annotated[
        int,
        Field(
            gt=0,
            le=64,
            description="Statements that endpoint, editor and exports run at once, each on one"
            " thread; one more runs for whoever runs none.",
        ),
    ] = 2
    sql_warm: Annotated[
        bool,
        Field(
            description="Whether a process for statements is ready from the start, and not only"
            " after the first was asked."
        ),
    ] = False
    sql_unconfined: Annotated[
        bool,
        Field(
            description="Whether statements run where the kernel cannot keep them from this"
            " machine's files (no Landlock); each is still judged first."
        ),
    ] = False
    drain_s: Annotated[
        int, Field(gt=0, description="Seconds that requests under way have when stopping.")
    ] = 20

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(
                f"`{name}` is no IANA time zone; write one such as Asia/Seoul"
            ) from error
        return name

    @field_validator("host_names")
    @classmethod
    def _names(cls, listed: str) -> str:
        host_names(listed)
        return listed

    @field_validator("alert_webhook", "alertmanager")
    @classmethod
    def _receiver(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("write an address that begins with https://, or leave it empty")
        return url

    @field_validator("warehouse")
    @classmethod
    def _server(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("write http://user:password@host:8123/database, or leave it empty")
        return url

    @field_validator("cluster")
    @classmethod
    def _cluster(cls, name: str) -> str:
        if name and not _CLUSTER.fullmatch(name):
            raise ValueError("write a name of letters, digits, _ and -, or leave it empty")
        return name

    @model_validator(mode="after")
    def _cluster_has_a_server(self) -> "Settings":
        if self.cluster and not self.warehouse:
            raise ValueError(
                "FUNNELHOUSE_CLUSTER names a cluster of servers; set FUNNELHOUSE_WAREHOUSE to the"
                " address of one of them"
            )
        return self

    @field_validator("collector", "console")
    @classmethod
    def _address(cls, address: str) -> str:
        host_and_port(address)
        return address

    @field_validator("sql")
    @classmethod
    def _address_or_none(cls, address: str) -> str:
        return cls._address(address) if address else address

    @property
    def spool_folder(self) -> Path:
        """Where segments lie between collector and loader."""
        return self.data / "spool"

    @property
    def run_folder(self) -> Path:
        """Where processes leave snapshots for each other."""
        return self.data / "run"

    @property
    def retention_days(self) -> dict[str, int]:
        """How long each kind of rows is kept, by the names of `funnelhouse.sql.retention`."""
        kinds = ("events", "rejected", "coverage")
        return {kind: getattr(self, f"retention_{kind}_days") for kind in kinds}

    @property
    def archives(self) -> list[Path]:
        """Where rebuilds find events that are dropped."""
        return [Path(folder.strip()) for folder in self.archive.split(",") if folder.strip()]

    @property
    def limits(self) -> Limits:
        """The collector's limits."""
        return Limits(**{name: getattr(self, name) for name in Limits.__dataclass_fields__})

    @property
    def connections(self) -> ConnectionLimits:
        """What clients may take of one worker."""
        names = ConnectionLimits.__dataclass_fields__
        return ConnectionLimits(**{name: getattr(self, name) for name in names})

    @property
    def spool(self) -> SpoolConfig:
        """The spool's configuration."""
        return SpoolConfig(
            self.spool_folder,
            max_bytes=self.spool_max_bytes,
            segment_bytes=self.segment_bytes,
            segment_age_ms=self.segment_age_ms,
            commit_interval_ms=self.commit_interval_ms,
            commit_events=self.commit_events,
        )

    @property
    def warehouse_place(self) -> Warehouse:
        """Where the warehouse is."""
        return Warehouse(self.data / "warehouse", self.warehouse, self.cluster)

    @property
    def readers(self) -> frozenset[str]:
        """The read keys; nobody may read by URL where there is none."""
        return frozenset(key.strip() for key in self.read_keys.split(",") if key.strip())

    @property
    def known_names(self) -> frozenset[str]:
        """Names by which a request may ask; those at which the product listens are among them."""
        listens = (self.console, self.sql, self.collector)
        own = [host_and_port(address)[0] for address in listens if address]
        return host_names(self.host_names) | {host.lower() for host in own}

    def keys(self) -> dict[str, WriteKey]:
        """Write keys by key.

        Raises:
            ValueError: none are set though the collector is open to others, or one is wrong, or
                Snowplow's is none of them.
        """
        keys = self._keys()
        if self.snowplow_key and self.snowplow_key not in keys:
            raise ValueError(
                f"FUNNELHOUSE_SNOWPLOW_KEY names {self.snowplow_key!r}, which is no write key;"
                " add it to FUNNELHOUSE_WRITE_KEYS."
            )
        return keys

    def _keys(self) -> dict[str, WriteKey]:
        if self.write_keys:
            return parse_write_keys(self.write_keys)
        host, _ = host_and_port(self.collector)
        if not is_loopback(host):
            raise ValueError(
                "The collector is open to other machines but has no write keys;"
                " set FUNNELHOUSE_WRITE_KEYS to key:source,…"
            )
        return parse_write_keys(_DEV_KEYS)

    def secret_bytes(self) -> bytes:
        """Key of personal hashes: the setting, or one drawn once and kept in the data folder.

        Raises:
            SecretError: it is too short to be one.
        """
        if self.secret:
            return fit_secret(self.secret.encode(), "FUNNELHOUSE_SECRET")
        return kept_secret(self.data / "secret")

    def as_environment(self) -> dict[str, str]:
        """Return these settings as the environment of a child process."""
        values = self.model_dump(mode="json")
        return {f"FUNNELHOUSE_{name.upper()}": str(value) for name, value in values.items()}
