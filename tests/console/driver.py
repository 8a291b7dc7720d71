"""What drivers send and understand: the statements of the JDBC driver, and compressed frames.

Frames are read and written by clickhouse-driver, an implementation that is not ours.
"""

from io import BytesIO

from clickhouse_driver.compression import get_compressor_cls
from clickhouse_driver.streams.compressed import (
    CompressedBlockInputStream,
    CompressedBlockOutputStream,
)

_CONNECT = "SELECT currentUser() AS user, timezone() AS timezone, version() AS version LIMIT 1"
_SCHEMAS = "SELECT name AS TABLE_SCHEM, '' AS TABLE_CATALOG FROM system.databases ORDER BY name"
_TABLES = """
SELECT t.database AS TABLE_SCHEM, t.name AS TABLE_NAME, d.engine AS TYPE_SCHEM,
    if(t.is_temporary = 1, concat('Temporary', t.engine), t.engine) AS TABLE_TYPE,
    CAST(null as Nullable(String)) AS TYPE_CAT
FROM system.tables t JOIN system.databases d ON system.tables.database = system.databases.name
WHERE t.database LIKE '%' AND t.name LIKE 'event%' AND ((t.engine IN ('View','MergeTree')))
"""
_COLUMNS = """
SELECT table AS TABLE_NAME,
    toInt32(multiIf(character_octet_length IS NOT NULL, character_octet_length,
        system.columns.type == 'Int8', 1, 0)) AS COLUMN_SIZE,
    position(upper(type), 'NULLABLE') >= 1 ? 'YES' : 'NO' AS IS_NULLABLE,
    character_octet_length::Nullable(Int32) AS CHAR_OCTET_LENGTH
FROM system.columns WHERE database LIKE '%' AND table LIKE 'events' AND name LIKE '%'
"""
_KEYS = """
SELECT system.tables.name AS TABLE_NAME, trim(c.1) AS COLUMN_NAME, CAST(c.2 AS Int16) AS KEY_SEQ
FROM system.tables ARRAY JOIN
    arrayZip(splitByChar(',', primary_key), arrayEnumerate(splitByChar(',', primary_key))) as c
WHERE system.tables.primary_key <> '' AND system.tables.name ILIKE 'events_raw'
"""
JDBC_STATEMENTS = [(_CONNECT, 3), (_SCHEMAS, 2), (_TABLES, 5), (_COLUMNS, 4), (_KEYS, 3)]
"""What the JDBC driver asks to connect and to draw a tree of tables, with the answer's columns."""


def read_frames(data: bytes) -> list[bytes]:
    """Read what each frame holds, its checksum checked."""
    file = BytesIO(data)
    stream = CompressedBlockInputStream(file, None)
    pieces = []
    while file.tell() < len(data):
        pieces.append(stream.read_block())
    return pieces


def write_frame(content: bytes) -> bytes:
    """Write one frame of LZ4."""
    file = BytesIO()
    stream = CompressedBlockOutputStream(get_compressor_cls("lz4"), 65_536, file, None)
    stream.fout.write(content)
    stream.finalize()
    return file.getvalue()
