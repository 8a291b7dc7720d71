"""Packages from npm, installed once at the versions that a folder's lock pins, run by node."""

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "sdk"
"""Of the trackers."""

_END_S = 240.0


def install(folder: Path = FOLDER) -> None:
    """Install a folder's packages, unless they are there; skip the test where that cannot be."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("there is no npm; install Debian's nodejs and npm")
    lock, installed = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    # `npm ci` wants every platform's binaries in the lock; a registry need not have them all.
    command = ["npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
    ended = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=_END_S, check=False
    )
    if ended.returncode:
        pytest.skip(f"npm could not install the packages: {ended.stderr[-300:]}")
    installed.touch()


def run(script: str, **values: str) -> str:
    """Run a module of JavaScript beside the packages; `values` are its environment."""
    install()
    ended = subprocess.run(
        ["node", "--input-type=module", "--eval", script],
        cwd=FOLDER,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", **values},
        capture_output=True,
        text=True,
        timeout=_END_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def bundle(script: str) -> str:
    """Bundle a module and the packages that it imports into one script for a page."""
    install()
    ended = subprocess.run(
        [
            "node_modules/.bin/esbuild",
            "--bundle",
            "--format=iife",
            "--platform=browser",
            "--charset=utf8",
            '--define:process.env.NODE_ENV="production"',
        ],
        cwd=FOLDER,
        input=script,
        capture_output=True,
        text=True,
        timeout=_END_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.replace("</script", "<\\/script")
