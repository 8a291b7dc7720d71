"""Reads a CSV file: its rows one by one, while its faults add up, each with line and mend."""

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

_SHOWN_FAULTS = 20
Made = TypeVar("Made")


class CsvError(ValueError):
    """A file that cannot be imported; as text one line a fault."""

    def __init__(self, path: Path, faults: Sequence[str]) -> None:
        more = len(faults) - _SHOWN_FAULTS
        shown = [*faults[:_SHOWN_FAULTS], *([f"and {more} faults more"] if more > 0 else [])]
        super().__init__("\n".join(f"{path}: {fault}." for fault in shown))
        self.faults = tuple(faults)


class CsvFile:
    """A CSV file in UTF-8 whose first line names the columns.

    `header_fault` says what is wrong with these, if anything is; then no row is read.
    """

    def __init__(self, path: Path, header_fault: Callable[[Sequence[str]], str | None]) -> None:
        self.faults: list[str] = []
        self._path = path
        self._header_fault = header_fault

    def rows(self, make: Callable[[dict[str, str]], Made]) -> Iterator[tuple[int, Made]]:
        """Yield the last line of each row, and what `make` makes of its cells by their columns.

        Cells have no blanks around them. A ValueError of `make` is a fault of that row.

        Raises:
            OSError: the file cannot be read.
        """
        with self._path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            try:
                fault = self._header_fault(list(reader.fieldnames or ()))
                if fault:
                    self.faults.append(f"line 1: {fault}")
                    return
                for cells in reader:
                    try:
                        yield reader.line_num, make(_tidy(cells))
                    except ValueError as error:
                        self.faults.append(f"line {reader.line_num}: {error}")
            except UnicodeDecodeError:
                self.faults.append("the text is not UTF-8; save it as CSV UTF-8")
            except csv.Error as error:
                line = reader.reader.line_num
                self.faults.append(f"line {line}: {error}; quote the cell as CSV has it")

    def refuse_faults(self) -> None:
        """Refuse the file whole if any fault was found.

        Raises:
            SheetError: one was.
        """
        if self.faults:
            raise CsvError(self._path, self.faults)


def _tidy(cells: dict[str, str]) -> dict[str, str]:
    # The reader's own names for too many and for too few cells.
    if None in cells or None in cells.values():
        raise ValueError(
            "the row has more or fewer cells than the first line; quote a cell with commas"
        )
    return {name: cell.strip() for name, cell in cells.items()}
