"""Tells systemd how a service is (sd_notify(3)); without systemd nothing is told."""

import os
import socket
from contextlib import suppress


def sd_notify(state: str) -> None:
    """Send a state such as `READY=1` to whoever the variable NOTIFY_SOCKET names."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # A name that begins with @ is in the abstract namespace.
    place = f"\0{address[1:]}" if address.startswith("@") else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
        to.connect(place)
        to.send(state.encode())
