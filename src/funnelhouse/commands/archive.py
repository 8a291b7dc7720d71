"""The commands that write an archive of the warehouse, and load one."""

from pathlib import Path
from typing import Annotated

import typer

from funnelhouse.command_line.options import with_settings
from funnelhouse.commands.sending import bar
from funnelhouse.settings import Settings


@with_settings
def export(
    settings: Settings,
    *,
    folder: Annotated[
        Path, typer.Argument(help="An empty folder, or that of a broken-off export.")
    ],
) -> int:
    """Write all that cannot be derived into a folder, as Parquet with checksums."""
    from funnelhouse.archive.export import gather, write  # noqa: PLC0415 - quick --help
    from funnelhouse.command_line.warehouse_access import open_warehouse  # noqa: PLC0415 - quick --help
    from funnelhouse.sql.snapshot import ARCHIVED  # noqa: PLC0415 - quick --help

    with open_warehouse(settings) as access:
        with bar(len(ARCHIVED), "gathering") as show:
            gathered = gather(access, folder, show)
        with bar(gathered.rows, "writing") as show:
            manifest = write(access, folder, gathered, show)
    header = manifest.header
    typer.echo(
        f"{manifest.rows} rows stand in {len(manifest.files)} files of {folder}"
        f" ({manifest.bytes} bytes); everything answered before"
        f" {header.complete_until:%Y-%m-%d %H:%M:%S} UTC is among them."
    )
    return 0


@with_settings
def archive(
    settings: Settings,
    *,
    folder: Annotated[Path, typer.Argument(help="A folder that `funnelhouse export` wrote.")],
) -> int:
    """Load an archive; what is here already changes nothing, and a broken-off import goes on."""
    from funnelhouse.archive.loading import load_archive, read_archive  # noqa: PLC0415 - as above
    from funnelhouse.command_line.warehouse_access import open_warehouse  # noqa: PLC0415 - quick --help

    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    with bar(size, "checking") as show:
        manifest = read_archive(folder, show)
    with open_warehouse(settings) as access, bar(manifest.rows, "loading") as show:
        loaded = load_archive(access, folder, manifest, show)
    already = manifest.rows - loaded
    told = f" {already} of its rows were here already." if already else ""
    typer.echo(f"{loaded} rows of the archive were loaded, and everybody is refreshed.{told}")
    return 0
