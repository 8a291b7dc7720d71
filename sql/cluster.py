"""A cluster as its servers know it: what keeps tables from being spread over it, and its settings.

Reads the server's own configuration; hands on sentences, and settings of connections.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

READING: Mapping[str, str] = {
    # What is joined or looked up is found once, of all shards, and sent along to each of them.
    "distributed_product_mode": "global",
    "prefer_global_in_and_join": "1",
    # Else a condition of the outer query goes along as text, and names what stands here alone.
    "allow_push_predicate_ast_for_distributed_subqueries": "0",
}
"""Settings by which a query over all shards gives what it gives on one machine."""

_WRITING: Mapping[str, str] = {
    # An insert is done when the rows stand on their shards, not when one machine has noted them.
    "distributed_foreground_insert": "1",
    # A SELECT fills a table through its sharding rule, also where both are spread alike.
    "parallel_distributed_insert_select": "0",
    # Replicas take equal rows for a repeat, also where those were deleted in between: what is to be
    # known again brings a token, and says so itself.
    "insert_deduplicate": "0",
}
_MACROS = """
SELECT shardNum(), macros
FROM clusterAllReplicas(
    {cluster:Identifier},
    view(
        SELECT mapFromArrays(groupArray(macro), groupArray(substitution)) AS macros
        FROM system.macros
    )
)
SETTINGS skip_unavailable_shards = 1
"""


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of a cluster: each one's shard, and by its place in that row what macros it has.

    Nodes that do not answer have no macros here. `has_keeper` is of the node that was asked.
    """

    shards: Sequence[int]
    macros: Mapping[int, Mapping[str, str]]
    has_keeper: bool

    @property
    def replicas(self) -> int:
        """How many replicas the shard with most of them has."""
        return max(self.shards.count(shard) for shard in self.shards)


def nodes_of(client: Client, cluster: str) -> Nodes:
    """Ask a server what it knows of a cluster; without shards it knows none of that name."""
    shards = shards_of(client, cluster)
    if not shards:
        return Nodes((), {}, has_keeper=True)
    told = client.query(_MACROS, parameters={"cluster": cluster}).result_rows
    ((keeper,),) = client.query(
        "SELECT count() FROM system.tables WHERE database = 'system' AND name = 'zookeeper'"
    ).result_rows
    macros = {int(place): dict(of_node) for place, of_node in told}
    return Nodes(shards, macros, has_keeper=bool(keeper))


def shards_of(client: Client, cluster: str) -> list[int]:
    """Give the shard of each node of a cluster, as the server knows it; none of an unknown one."""
    rows = client.query(
        "SELECT shard_num FROM system.clusters WHERE cluster = {cluster:String}"
        " ORDER BY shard_num, replica_num",
        parameters={"cluster": cluster},
    ).result_rows
    return [int(shard) for (shard,) in rows]


def why_unfit(cluster: str, nodes: Nodes) -> str:
    """Say what must be mended before tables can be spread over a cluster; "" where nothing must."""
    if not nodes.shards:
        return (
            f"The server knows no cluster {cluster!r}; mend FUNNELHOUSE_CLUSTER, or name it under"
            " remote_servers in the server's configuration."
        )
    if not nodes.has_keeper:
        return (
            "The server has no Keeper, by which replicas agree; name it under zookeeper in the"
            " configuration of every server of the cluster."
        )
    return _why_macros(nodes)


def why_resharded(client: Client, shards: int) -> str:
    """Note the number of shards at the first start; say what must be mended if it is another now.

    Copies of an event meet on the shard that its id gives, which another number would change.
    """
    ((noted, first),) = client.query(
        "SELECT count(), argMin(shards, since) FROM cluster_shards"
    ).result_rows
    if not noted:
        client.insert("cluster_shards", [[shards]], column_names=["shards"])
    if not noted or first == shards:
        return ""
    return (
        f"The cluster has {shards} shards and had {first} when it was first used, and copies of an"
        " event would no longer meet; give it back the shards that it had under remote_servers, or"
        " start with another database and import an archive."
    )


def writing(nodes: Nodes) -> dict[str, str]:
    """Give the settings of a connection that writes: an insert is done when all replicas have it.

    Whatever reads after it then finds it, whichever replica answers.
    """
    quorum = {"insert_quorum": str(nodes.replicas)} if nodes.replicas > 1 else {}
    return {**READING, **_WRITING, **quorum}


def _why_macros(nodes: Nodes) -> str:
    """Hold the macros of each node to its place in the cluster."""
    shard_of: dict[str, int] = {}
    seen: set[tuple[str, str]] = set()
    for place, macros in sorted(nodes.macros.items()):
        shard, replica = macros.get("shard", ""), macros.get("replica", "")
        where = f"Server {place} of the cluster"
        if not (shard and replica):
            return (
                f"{where} lacks the macro {'replica' if shard else 'shard'}; set both under macros"
                " in its configuration."
            )
        if (shard, replica) in seen:
            return (
                f"{where} has the macros of another one, shard {shard} and replica {replica}; give"
                " each server a pair of its own."
            )
        seen.add((shard, replica))
        number = nodes.shards[place - 1]
        if shard_of.setdefault(shard, number) != number or _names(shard_of, number) > 1:
            return (
                f"{where} stands in shard {number} and has the macro shard {shard}; replicas of one"
                " shard share that macro, and others have another."
            )
    return ""


def _names(shard_of: Mapping[str, int], number: int) -> int:
    return list(shard_of.values()).count(number)
