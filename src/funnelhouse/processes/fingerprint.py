"""The fingerprint of the secret that stands in the warehouse, by which another one is told."""

import hashlib

from clickhouse_connect.driver.client import Client

from funnelhouse.processes.secret import SecretError


def check_secret(client: Client, secret: bytes) -> None:
    """Hold a secret to the one that the warehouse's hashes are made with; the first is noted.

    Raises:
        SecretError: it is another one.
    """
    known = _known(client)
    if not known:
        accept_secret(client, secret)
    elif known != fingerprint(secret):
        raise SecretError(
            "The secret is not the one that this warehouse's hashes were made with, so that nobody"
            " would be known again; put back the data folder's `secret` or FUNNELHOUSE_SECRET of"
            " then, or run `funnelhouse migrate --new-secret` if the change is meant."
        )


def accept_secret(client: Client, secret: bytes) -> None:
    """Note a secret as the one that hashes are made with from now on."""
    client.insert("secret_fingerprints", [[fingerprint(secret)]], column_names=["fingerprint"])


def fingerprint(secret: bytes) -> str:
    """Name a secret by what does not give it away: a slow hash, 64 hexadecimal digits."""
    salt = b"funnelhouse secret fingerprint"
    return hashlib.scrypt(secret, salt=salt, n=2**14, r=8, p=1, dklen=32).hex()


def _known(client: Client) -> str:
    rows = client.query("SELECT argMax(fingerprint, since) FROM secret_fingerprints").result_rows
    return str(rows[0][0])
