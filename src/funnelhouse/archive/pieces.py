"""Reads a file of an archive in pieces, which are always the same of the same file."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS_A_PIECE = 50_000
"""Few enough for one block of the engine, so that a token stands for all of a piece."""


def pieces(path: Path, rows_a_piece: int = ROWS_A_PIECE) -> Iterator[pa.RecordBatch]:
    """Read the rows of a Parquet file in order."""
    with pq.ParquetFile(path) as opened:
        yield from opened.iter_batches(batch_size=rows_a_piece)


def as_stream(piece: pa.RecordBatch) -> bytes:
    """Write a piece as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, piece.schema) as stream:
        stream.write_batch(piece)
    return sink.getvalue().to_pybytes()
