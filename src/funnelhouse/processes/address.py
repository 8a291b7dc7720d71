"""Addresses of the form host:port."""

from ipaddress import ip_address


def host_and_port(address: str) -> tuple[str, int]:
    """Split `host:port` (IPv6 hosts in brackets).

    Raises:
        ValueError: it is no such address.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) >= 1 << 16:
        raise ValueError(f"`{address}` is no address; write host:port, such as 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine alone; a name other than localhost may be any."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
