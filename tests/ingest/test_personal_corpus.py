"""After 500 odd requests nothing personal is found in any file or column of the product."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RunningProduct, running_product
from tests.ingest.personal_corpus import COUNT, Request, requests


@pytest.fixture(scope="module")
def sent(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[RunningProduct, list[Request]]]:
    """Send the corpus to a product of its own, whose log is kept, and wait until it is loaded."""
    folder = tmp_path_factory.mktemp("corpus")
    keys = "dev:web,secret-server-key:backend:server"
    with running_product(folder, keys, snowplow_key="dev", unknown_events="accept") as product:
        corpus = list(requests())
        for request in corpus:
            _send(product, request)
        rows = (
            "SELECT sum(c) AS n FROM (SELECT count() AS c FROM events"
            " UNION ALL SELECT count() FROM rejected_events)"
        )
        product.wait_visible(lambda: int(product.sql(rows)[0]["n"]) >= COUNT - _NOT_KEPT)
        yield product, corpus


_NOT_KEPT = 30
"""Some requests leave no row, such as one of another source or one that nobody can take."""


def _send(product: RunningProduct, request: Request) -> None:
    if request.body is None:
        answer = product.client.get(request.path, headers=request.headers)
    else:
        headers = {name: value.encode() for name, value in request.headers.items()}
        answer = product.client.post(request.path, content=request.body, headers=headers)
    assert answer.status_code < 500, (request.path, answer.text)
    assert not _found([answer.content], request.marks), (request, answer.text)


def _found(texts: list[bytes], marks: tuple[str, ...]) -> list[str]:
    return [mark for mark in marks for text in texts if mark.encode() in text]


def test_no_column_shows_a_mark(sent: tuple[RunningProduct, list[Request]]) -> None:
    """No text column of any table or view of the warehouse holds a piece of a mark."""
    product, corpus = sent
    columns = product.sql(
        "SELECT table, name, type FROM system.columns WHERE database = currentDatabase()"
        " AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase()"
        " AND engine LIKE '%MergeTree')"
    )
    found = {}
    pattern = re.compile("|".join(re.escape(m) for request in corpus for m in request.marks))
    for table in {column["table"] for column in columns}:
        for row in product.sql(f"SELECT * FROM `{table}`"):
            if hit := pattern.search(str(row)):
                found[table, hit[0]] = str(row)[:600]
    assert not found, found


def test_no_file_shows_a_mark(sent: tuple[RunningProduct, list[Request]]) -> None:
    """No file of the data folder holds a piece of a mark: no part, segment, snapshot or log."""
    product, corpus = sent
    pattern = re.compile(b"|".join(re.escape(m.encode()) for r in corpus for m in r.marks))
    found = {}
    for path in Path(product.settings.data).rglob("*"):
        if path.is_file() and (hit := pattern.search(path.read_bytes())):
            found[str(path)] = hit[0]
    assert not found, found


def test_replacements_are_counted(sent: tuple[RunningProduct, list[Request]]) -> None:
    """The metrics tell how much was replaced, by source and kind."""
    product, _ = sent

    def counted() -> bool:
        metrics = product.client.get("/metrics").text
        return all(f'kind="{kind}",source="web"' in metrics for kind in ("email", "phone", "field"))

    product.wait_visible(counted)
