"""The layout of a cluster: rendered, made for real as far as one engine can, and read from shards.

No server of ClickHouse is at hand here. What runs is the real engine with its own Distributed and
Replicated tables; replication among servers and `ON CLUSTER` itself do not.
"""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from clickhouse_connect.driver.client import Client

from funnelhouse.settings import Settings
from funnelhouse.sql.client import WarehouseError, connect
from funnelhouse.sql.cluster import Nodes, why_resharded, why_unfit, writing
from funnelhouse.sql.layout import (
    LOCAL,
    MIGRATIONS,
    Layout,
    catch_up,
    cluster_of,
    sharding_keys,
    share,
    stored,
)
from funnelhouse.sql.retention import RETAINED, retain
from funnelhouse.sql.snapshot import take
from tests.conftest import PreparedWarehouse
from tests.sql.replicas import changed_later, described, rendered
from tests.sql.shards import CLUSTER
from tests.sql.tale import PARTS, asked_of

ROOT = Path(__file__).parents[2]
LAYOUT = Layout(CLUSTER, "funnelhouse")
Described = dict[str, Any]


def run(module: object, *arguments: object) -> None:
    """Run a module of the tests in a process of its own, which an engine needs for itself."""
    command = [sys.executable, "-m", f"tests.sql.{module}", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode in {0, -9}, done.stderr[-3000:]


def together(*processes: tuple[object, ...]) -> None:
    """Run modules with their arguments beside each other, two at a time."""
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda one: run(*one), processes))


def read(file: Path) -> Any:
    """Read what a process of the tests has written."""
    assert file.exists(), "the process ended before it had written anything"
    return orjson.loads(file.read_bytes())


def statements(name: str) -> list[str]:
    """Render one migration for a cluster."""
    return list(LAYOUT.statements((MIGRATIONS / f"{name}.sql").read_text(encoding="utf-8")))


# Rendering


def named(statement: str) -> str:
    """Name what a statement makes or changes."""
    (line,) = re.findall(r"^(?:CREATE|ALTER).*?(\w+) ON CLUSTER", statement, re.MULTILINE)
    return str(line)


@pytest.mark.parametrize("statement", rendered(), ids=named)
def test_each_statement_of_a_cluster_parses(warehouse: PreparedWarehouse, statement: str) -> None:
    """The engine reads every statement of the layout, and finds the cluster's name in it."""
    written = warehouse.client.query(
        "SELECT formatQuery({statement:String})", parameters={"statement": statement}
    ).result_rows[0][0]
    assert f"ON CLUSTER {CLUSTER}" in str(written).replace("'", "").replace("`", "")


def test_one_machine_has_the_files_as_they_stand() -> None:
    """Without a cluster nothing is put into a file's text."""
    text = (MIGRATIONS / "0001_events_raw.sql").read_text(encoding="utf-8")
    assert list(Layout().statements(text)) == [text]


def test_rows_of_a_sharded_table_stand_in_a_replica_under_a_distributed_table() -> None:
    """Engine, its arguments, the memory of repeats and the sharding rule are put in."""
    local, distributed = statements("0001_events_raw")
    assert f"CREATE TABLE IF NOT EXISTS events_raw_local ON CLUSTER '{CLUSTER}'" in local
    assert (
        "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}',"
        " '{replica}', arrival_rank)\n"
    ) in local
    assert "\n    replicated_deduplication_window = 10000,\n" in local
    assert distributed == (
        f"CREATE TABLE IF NOT EXISTS events_raw ON CLUSTER '{CLUSTER}'"
        " AS funnelhouse.events_raw_local\n"
        f"ENGINE = Distributed('{CLUSTER}', 'funnelhouse', 'events_raw_local',"
        " cityHash64(source, event_id))"
    )


def test_a_table_on_every_shard_has_one_path_and_takes_nothing_for_a_repeat() -> None:
    """Views of two shards write to it under one token, and the second is no repeat."""
    (links,) = statements("0009_device_logins")
    assert "device_logins ON CLUSTER" in links
    assert (
        "ReplicatedReplacingMergeTree('/clickhouse/tables/every-shard/{database}/{table}',"
        " '{shard}-{replica}', arrival_rank)"
    ) in links
    assert re.findall(r"\w*deduplication_window = \d+", links) == [
        "replicated_deduplication_window = 0"
    ]
    (plan,) = statements("0017_plan_states")
    assert "ENGINE = ReplicatedMergeTree('/clickhouse/tables/every-shard/" in plan
    assert "replicated_deduplication_window = 0," in plan


def test_a_materialized_view_stays_on_its_shard() -> None:
    """It sees what comes to the local table, writes to one, and finds its rules beside it."""
    (catcher,) = statements("0019_stage_events_mv")
    assert "TO funnelhouse.stage_events_local AS" in catcher
    assert "FROM events_raw_local AS events_raw" in catcher
    assert "INNER JOIN stage_rules AS rule" in catcher
    (links,) = statements("0010_device_logins_mv")
    assert "TO funnelhouse.device_logins AS" in links


def test_a_change_of_columns_is_of_the_rows_and_of_the_table_over_them() -> None:
    """Both get the column, the rows first; a table on every shard tells the others itself."""
    changes = statements("0041_rejected_raw_names")
    assert [text.split(" ADD ")[0].splitlines()[-1] for text in changes] == [
        f"ALTER TABLE rejected_raw_local ON CLUSTER '{CLUSTER}'",
        f"ALTER TABLE rejected_raw ON CLUSTER '{CLUSTER}'",
    ]
    everywhere = "ALTER TABLE plan_funnels ADD COLUMN IF NOT EXISTS more String;"
    assert list(LAYOUT.statements(everywhere)) == [everywhere]


def test_a_table_that_declares_nothing_is_refused() -> None:
    """Where rows of a new table stand has to be thought of; the sentence says how to write it."""
    with pytest.raises(ValueError, match=r"migration of orphans does not say where .* write"):
        list(LAYOUT.statements("CREATE TABLE IF NOT EXISTS orphans\n(\n    a UInt8\n)\n"))


def test_equal_keys_stand_on_one_shard(warehouse: PreparedWarehouse) -> None:
    """The sharding rule is made of the sorting key, so that copies meet where they are merged."""
    rows = warehouse.client.query(
        "SELECT name, splitByString(', ', sorting_key) FROM system.tables"
        " WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    ).result_rows
    keys = {table: set(key) for table, key in rows}
    assert set(keys) == set(sharding_keys())
    sharded = {table: set(key.split(", ")) for table, key in sharding_keys().items() if key}
    assert len(sharded) == 16
    assert [table for table, key in sharded.items() if not key <= keys[table]] == []


class Recorder:
    """A connection that answers what it is given, in order, and keeps what it was told to do."""

    database = "funnelhouse"

    def __init__(self, *answers: list[tuple[Any, ...]]) -> None:
        self._answers = list(answers)
        self.done: list[str] = []

    def query(self, *_: Any, **__: Any) -> Any:
        """Answer with the next rows."""
        return SimpleNamespace(result_rows=self._answers.pop(0))

    def command(self, statement: str) -> None:
        """Keep a statement."""
        self.done.append(statement)


def test_who_writes_to_every_shard_waits_for_every_server(warehouse: PreparedWarehouse) -> None:
    """Rules are everywhere before events meet them; of links the own server's copy is enough."""
    shared = Recorder([("stage_rules",)], [(CLUSTER,)])
    share(cast("Client", shared), "stage_rules")
    assert shared.done == [
        f"SYSTEM SYNC REPLICA ON CLUSTER '{CLUSTER}' funnelhouse.stage_rules LIGHTWEIGHT"
    ]
    caught_up = Recorder([("aliases",), ("device_logins",)])
    catch_up(cast("Client", caught_up), "aliases", "device_logins")
    assert caught_up.done == [
        "SYSTEM SYNC REPLICA aliases LIGHTWEIGHT",
        "SYSTEM SYNC REPLICA device_logins LIGHTWEIGHT",
    ]
    for statement in (*shared.done, *caught_up.done):
        warehouse.client.query("SELECT formatQuery({q:String})", parameters={"q": statement})


def test_one_machine_waits_for_nobody(warehouse: PreparedWarehouse) -> None:
    """Without replicas there is nothing to catch up with, and deletions name the table itself."""
    share(warehouse.client, "stage_rules")
    catch_up(warehouse.client, "aliases")
    assert cluster_of(warehouse.client) == ""
    assert stored(warehouse.client, "stage_hits_raw") == "stage_hits_raw"


def test_rows_are_deleted_where_they_stand(warehouse: PreparedWarehouse) -> None:
    """A deletion goes to the rows of all shards; a table on every shard tells the others."""
    place = stored(cast("Client", Recorder([(CLUSTER,)])), "stage_hits_raw")
    assert place == f"stage_hits_raw_local ON CLUSTER '{CLUSTER}'"
    assert stored(cast("Client", Recorder([(CLUSTER,)])), "plan_funnels") == "plan_funnels"
    for statement in (f"DELETE FROM {place} WHERE 1", f"ALTER TABLE {place} DELETE WHERE 1"):
        warehouse.client.query("SELECT formatQuery({q:String})", parameters={"q": statement})


def test_retention_and_export_know_a_cluster() -> None:
    """Old rows go on all shards; what would be taken from one server alone is refused."""
    kept = Recorder(*([(CLUSTER,)] for _ in RETAINED))
    retain(cast("Client", kept), {"events": 30})
    shown, changed, *_ = kept.done
    assert shown == "SHOW CREATE TABLE events_raw_local"
    place, _, ttl = changed.partition(" MODIFY ")
    assert place == f"ALTER TABLE events_raw_local ON CLUSTER '{CLUSTER}'"
    assert ttl == "TTL toDateTime(received_at) + toIntervalDay(30)"
    with pytest.raises(WarehouseError, match="A cluster cannot be exported; take a backup"):
        take(cast("Client", Recorder([(CLUSTER,)])), "any")


# Made for real


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Described:
    """Make every relation as a cluster has it, with a Keeper in memory."""
    folder = tmp_path_factory.mktemp("replicas")
    run("replicas", folder)
    told: Described = read(folder / "replicas.json")
    return told


def test_every_relation_has_the_columns_of_one_machine(
    warehouse: PreparedWarehouse, replicas: Described
) -> None:
    """Tables, materialized views and views are all there, with types, defaults and comments."""
    one = _columns(described(warehouse.client))
    many = _columns(replicas)
    local = {name for name in many if name.endswith(LOCAL)}
    assert set(many) - local == set(one)
    assert {name: many[name] for name in one} == one
    assert {name.removesuffix(LOCAL) for name in local} == {
        t for t, key in sharding_keys().items() if key
    }
    same = local - changed_later()
    assert {name: many[name] for name in same} == {n: one[n.removesuffix(LOCAL)] for n in same}


def _columns(told: Described) -> dict[str, list[list[str]]]:
    """Gather columns by relation; a materialized view's own name stands in none."""
    found: dict[str, list[list[str]]] = {}
    for table, *column in told["columns"]:
        found.setdefault(table, []).append(column)
    return found


def test_every_table_with_rows_is_replicated(replicas: Described) -> None:
    """No table of a cluster keeps rows on one server alone, or syncs them later than it says."""
    kept = [row for row in replicas["tables"] if row[1].endswith("MergeTree")]
    assert len(kept) == len(sharding_keys())
    assert [name for name, engine, *_ in kept if not engine.startswith("Replicated")] == []
    assert [name for name, _, _, _, text in kept if "fsync_after_insert = 1" not in text] == []


def test_a_server_tells_its_macros(replicas: Described) -> None:
    """What is asked of a cluster before anything is made in it comes from the engine itself."""
    assert replicas["shards"] == [1, 2]
    assert replicas["macros"] == [{"replica": "a", "shard": "01"}]


# Read from shards


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_shards_say_what_one_machine_says(tmp_path: Path) -> None:
    """After loads, rebuilds, another session timeout and a person forgotten all views are equal."""
    where = ("single", "shards")
    together(*(("tale", one, tmp_path / one, tmp_path / f"{one}.json", *PARTS) for one in where))
    single, shards = (read(tmp_path / f"{one}.json") for one in where)
    assert list(single) == list(shards) == list(PARTS)
    for part in PARTS:
        assert sum(map(bool, single[part].values())) > 70
        assert {v: rows for v, rows in shards[part].items() if rows != single[part][v]} == {}


FEW = ("events", "duplicate_events", "people", "stage_entries", "sessions", "funnel_weekly")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "views", [pytest.param(FEW, id="few"), pytest.param((), id="all", marks=pytest.mark.slow)]
)
def test_two_processes_are_the_shards_of_one_machine(tmp_path: Path, views: tuple[str]) -> None:
    """Each loads by the sharding rule and knows nothing of the other; joined, views are equal.

    Most people have anonymous events of one device on both shards, and their login on one.
    """
    halves = [("halves", tmp_path, "half", number) for number in (1, 2)]
    together(*halves, ("halves", tmp_path, "whole", *views))
    run("halves", tmp_path, "joined", *views)
    whole, joined = read(tmp_path / "whole.json"), read(tmp_path / "joined.json")
    assert min(map(int, joined.pop("on shards"))) > 300
    assert int(joined.pop("apart")[0]) > 50
    assert {view: rows for view, rows in joined.items() if rows != whole[view]} == {}
    assert len(whole["stage_entries"]) > 300
    assert len(joined) == (len(views) or len(list(asked_of())))


def test_no_shard_is_asked_for_what_stands_elsewhere(
    warehouse: PreparedWarehouse, tmp_path: Path
) -> None:
    """Queries to another shard name what every server has, or rows that are sent along with them.

    The temporary tables of a refresh stand on the server that is asked alone, and the name of a
    view with parameters is no name any more once the engine has written it into a query's text.
    """
    run("listening", tmp_path)
    asked: dict[str, list[str]] = read(tmp_path / "asked.json")
    parameterized = "notEmpty(parameterized_view_parameters)"
    relations = warehouse.client.query(
        f"SELECT name FROM system.tables WHERE database = currentDatabase() AND NOT {parameterized}"
    ).result_rows
    local = {f"{table}{LOCAL}" for table, key in sharding_keys().items() if key}
    everywhere = {f"`funnelhouse`.`{name}`" for name in {name for (name,) in relations} | local}
    assert sum(map(bool, asked.values())) > 80
    for name, queries in asked.items():
        named = {found for query in queries for found in _NAMED.findall(query)}
        assert {one for one in named - everywhere if not one.startswith("`_data_")} == set(), name


_NAMED = re.compile(r"(?:\b(?:FROM|JOIN|IN) |, )\(?(`[\w.]+`(?:\.`\w+`)?)(?= AS `__table|\()")
"""A table in a query's text as the engine writes it, and a view with its parameters."""


# What a server's configuration lacks

TWO_BY_TWO = (1, 1, 2, 2)
MACROS = {
    place: {"shard": shard, "replica": replica}
    for place, (shard, replica) in enumerate(
        [("01", "a"), ("01", "b"), ("02", "a"), ("02", "b")], 1
    )
}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"shards": ()}, "knows no cluster 'events'; mend FUNNELHOUSE_CLUSTER"),
        ({"has_keeper": False}, "has no Keeper, by which replicas agree"),
        ({"macros": MACROS | {2: {}}}, "Server 2 of the cluster lacks the macro shard;"),
        ({"macros": MACROS | {3: {"shard": "02"}}}, "Server 3 .* lacks the macro replica;"),
        ({"macros": MACROS | {4: MACROS[3]}}, "Server 4 .* macros of another one, shard 02"),
        (
            {"macros": MACROS | {3: {"shard": "01", "replica": "c"}}},
            "Server 3 .* stands in shard 2 and has the macro shard 01",
        ),
        (
            {"macros": MACROS | {2: {"shard": "03", "replica": "b"}}},
            "Server 2 .* stands in shard 1 and has the macro shard 03",
        ),
    ],
)
def test_what_a_cluster_lacks_is_named(changed: dict[str, Any], told: str) -> None:
    """Name, Keeper and macros are told apart, each with its mend, in one sentence."""
    nodes = replace(Nodes(TWO_BY_TWO, MACROS, has_keeper=True), **changed)
    said = why_unfit("events", nodes)
    assert re.search(told, said)
    assert re.fullmatch(r"[A-Z][^.]*\.", said)


def test_a_cluster_is_fit_with_a_node_that_does_not_answer() -> None:
    """A server that is down keeps nobody from the others."""
    answering = {place: macros for place, macros in MACROS.items() if place != 2}
    for macros in (MACROS, answering):
        assert why_unfit("events", Nodes(TWO_BY_TWO, macros, has_keeper=True)) == ""


def test_an_unknown_cluster_is_named_before_anything_is_made(warehouse: PreparedWarehouse) -> None:
    """The engine is asked, and the sentence names the setting."""
    with pytest.raises(WarehouseError, match=r"knows no cluster 'nowhere'; mend FUNNELHOUSE_CLUS"):
        connect(replace(warehouse.place, cluster="nowhere"))


def test_another_number_of_shards_is_refused(warehouse: PreparedWarehouse) -> None:
    """The number of the first start is kept, also over other starts; the sentence tells both."""
    warehouse.empty()
    assert [why_resharded(warehouse.client, shards) for shards in (2, 2)] == ["", ""]
    for shards in (1, 3):
        said = why_resharded(warehouse.client, shards)
        assert re.match(rf"The cluster has {shards} shards and had 2 when it was first used", said)
        assert re.fullmatch(r"[A-Z][^.]*\.", said)
    assert why_resharded(warehouse.client, 2) == ""


def test_a_cluster_wants_the_address_of_a_server() -> None:
    """The embedded engine belongs to no cluster, and a name is no piece of SQL."""
    with pytest.raises(ValueError, match="set FUNNELHOUSE_WAREHOUSE to the address"):
        Settings(cluster="events")
    with pytest.raises(ValueError, match="write a name of letters"):
        Settings(warehouse="http://db:8123", cluster="events' --")
    assert (
        Settings(warehouse="http://db:8123", cluster="events").warehouse_place.cluster == "events"
    )


def test_an_insert_is_done_when_all_replicas_have_it() -> None:
    """The quorum is every replica of a shard, since any of them may be read next."""
    assert writing(Nodes(TWO_BY_TWO, MACROS, has_keeper=True))["insert_quorum"] == "2"
    assert "insert_quorum" not in writing(Nodes((1, 2), MACROS, has_keeper=True))
