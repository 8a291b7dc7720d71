import pytest

from funnelhouse.processes.address import is_loopback


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("localhost.example", False),
        ("collector", False),
    ],
)
def test_loopback(host: str, *, alone: bool) -> None:
    """Only loopback addresses and localhost are known to be closed to other machines."""
    assert is_loopback(host) is alone
