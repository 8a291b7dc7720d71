"""The key of personal hashes: drawn once where none is set, and refused when it is short."""

import os
import secrets
from pathlib import Path

LEAST_BYTES = 16
"""Whoever has the hashes finds a shorter key, and with it what was hashed, by trying."""


class SecretError(ValueError):
    """The secret cannot be used; as text one sentence with the mend."""


def kept_secret(path: Path) -> bytes:
    """Read a secret, drawing it at first; only its owner may read the file.

    Raises:
        SecretError: the file holds too little to be one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    if not path.exists():
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return fit_secret(path.read_bytes(), str(path))


def fit_secret(secret: bytes, where: str) -> bytes:
    """Give a secret back that is long enough.

    Raises:
        SecretError: it is empty or short.
    """
    if len(secret.strip()) < LEAST_BYTES:
        raise SecretError(
            f"{where} holds {len(secret.strip())} bytes, and hashes by a key under {LEAST_BYTES}"
            " can be reversed; put back the one of your backup, or draw one with"
            " `openssl rand -hex 32` where nothing was collected yet."
        )
    return secret
