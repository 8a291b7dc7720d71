"""Runs the benchmarks and prints figures, ratios and targets: `python -m bench`."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from bench import report
from bench.figures import Figures, verdicts
from bench.plan import RunPlan
from bench.scenarios import dearest, latency, loading, memory, throughput, views, visible

SCENARIOS = {
    "throughput": throughput.measure,
    "latency": latency.measure,
    "memory": memory.measure,
    "loading": loading.measure,
    "visible": visible.measure,
    "views": views.measure,
    "dearest": dearest.measure,
}


def main() -> int:
    args = _parser().parse_args()
    console = Console()
    if shutil.which("wrk") is None:
        console.print("wrk is not installed: the generator of ours sends instead, and less.")
    figures = Figures()
    status_code = 0
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=args.folder) as folder,
        console.status("starting") as status,
    ):
        plan = RunPlan(
            folder=Path(folder),
            seconds=args.seconds,
            repeat=args.repeat,
            connections=args.connections,
            events=10_000_000 if args.long else args.events[0],
            scales=args.events,
            say=lambda text: _say(console, status.update, text),
        )
        for name in args.only or SCENARIOS:
            try:
                figures.extend(SCENARIOS[name](plan))
            except Exception as fault:  # noqa: BLE001 - what the others measured is shown all the same
                console.print(f"[red]{name} stopped: {fault!r}[/]")
                status_code = 1
    found = verdicts(figures)
    report.show(console, figures, found)
    if args.json:
        report.write(args.json, figures, found)
    return status_code


def _say(console: Console, update: Callable[[str], None], text: str) -> None:
    if "left out" in text or not console.is_terminal:
        console.print(text)
    update(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", choices=[*SCENARIOS, []], help="all when none is named")
    parser.add_argument("--repeat", type=int, default=3, help="measures of each figure")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one measure")
    parser.add_argument("--connections", type=int, default=256, help="clients at once")
    parser.add_argument(
        "--events",
        type=int,
        nargs="+",
        default=[1_000_000],
        help="for memory and loading, and for views each of several numbers",
    )
    parser.add_argument("--long", action="store_true", help="10 million events for memory")
    parser.add_argument("--folder", type=Path, help="where servers write; the disk is measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
