"""Which Host headers name this machine, at the boundaries of what a browser may send."""

import pytest

from funnelhouse.console.access.host_names import host_names, is_known_host

NAMES = host_names("console.example.com, warehouse,콘솔.example,")


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST:8081", "localhost.", "localhost.:80"),
        *("127.0.0.1", "127.0.0.1:8081", "127.0.0.1.:1", "192.0.2.7:65535", "0.0.0.0"),
        *("[::1]", "[::1]:8081", "[2001:DB8::7]:443", "[::ffff:127.0.0.1]"),
        *("console.example.com", "Console.Example.COM.:443", "warehouse:8081"),
        "xn--im4bt5w.example",
    ],
)
def test_a_host_that_is_known(host: str) -> None:
    """Addresses, localhost and the names of the setting, in any case and with any port."""
    assert is_known_host(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "",
            " ",
            ":8081",
            ".",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
        ),
        *("evil.localhost", "notlocalhost", "localhost..", "127.0.0.1..", "xconsole.example.com"),
        *(
            "x.console.example.com",
            "console.example.com.evil.example",
            "warehouse.",
            "콘솔.example",
        ),
        *("127.0.0.1@evil.example", "evil.example@127.0.0.1", "user:pass@localhost"),
        *("127.0.0.1/", "127.0.0.1#evil", "127.0.0.1?evil", "127.0.0.1\\evil", "127.0.0.1 evil"),
        *(
            "127.0.0.1,evil.example",
            "localhost:80:81",
            "localhost:",
            "localhost:x",
            "localhost:123456",
        ),
        *("127.1", "2130706433", "0x7f.0.0.1", "127.0.0.256", "127.0.0.01"),
        *("::1", "[::1", "::1]", "[127.0.0.1]", "[[::1]]", "[::1]x", "[localhost]", "[::1%25eth0]"),
        *("localhost\n", "localhost\tx", "١٢٧.0.0.1", "localho\u017ft", "a" * 300),
    ],
)
def test_a_host_that_is_not(host: str) -> None:
    """Names that look alike, tricks of addresses, and what is no host at all."""
    assert not is_known_host(host, NAMES - {"warehouse"})


@pytest.mark.parametrize(
    "listed",
    [
        "https://x.example",
        "x.example:8081",
        "*",
        "*.example.com",
        "a b",
        "x..example",
        "a" * 254,
        ".",
    ],
)
def test_a_setting_that_names_no_host(listed: str) -> None:
    """A faulty name is refused with what to write, rather than never matching."""
    with pytest.raises(ValueError, match="is no host name; write names"):
        host_names(f"fine.example,{listed}")
