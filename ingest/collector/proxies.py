"""Proxies before the collector, whose word is taken for the address that a request came from."""

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


class Proxies:
    """Trusted proxies: addresses and networks (10.0.0.0/8), comma separated, or * for all."""

    def __init__(self, trusted: str) -> None:
        nothing = None  # it is asked for its judgement alone
        self._trusted = ProxyHeadersMiddleware(nothing, trusted).trusted_hosts  # type: ignore[arg-type]

    def trusts(self, ip: str) -> bool:
        """Say whether the address is one of theirs."""
        return ip in self._trusted

    def visitor(self, ip: str, forwarded_for: str) -> str:
        """Return the last address, from the peer's back through X-Forwarded-For, not trusted."""
        if not forwarded_for or ip not in self._trusted:
            return ip
        return self._trusted.get_trusted_client_address(forwarded_for)[0] or ip
