"""Keeps the data folder to its owner: folders of mode 0700 and files of 0600, new and old."""

import logging
import os
import stat
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)
_OTHERS = 0o077


def keep_private(data: Path) -> None:
    """Give nobody else what this process and its children write; close a folder that is open.

    What cannot be closed, as a volume that another user owns, is told in the log.
    """
    os.umask(_OTHERS)
    data.mkdir(parents=True, exist_ok=True)
    if any(map(_is_open, (data, *data.iterdir()))):
        _close(data)


def _is_open(path: Path) -> bool:
    with suppress(FileNotFoundError):
        return bool(path.lstat().st_mode & _OTHERS) and not path.is_symlink()
    return False


def _close(data: Path) -> None:
    try:
        _keep_to_owner(data)
        for folder, _, files in os.walk(data):
            for name in files:
                _keep_to_owner(Path(folder, name))
            _keep_to_owner(Path(folder))
    except PermissionError as error:
        log.warning(
            "others may read the data folder; run `chmod -R go= FOLDER` as its owner",
            extra={"path": str(error.filename)},
        )


def _keep_to_owner(path: Path) -> None:
    # Engine and loader remove files meanwhile; a link's target is none of ours.
    with suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if mode & _OTHERS and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
