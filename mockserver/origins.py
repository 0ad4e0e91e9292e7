"""Which web pages may use the mock: by where they come from (`Origin`) and what they call it (`Host`).  No I/O.

Browsers say both; carriers and programs send no Origin, and are never asked for one.  A page on another site could
dial and read from its visitor's machine, and whoever owns a name can let it lead to 127.0.0.1 (DNS rebinding), which
makes his page look like one of the mock's own.  So the origin is to be allowed or the mock's own, and the name one that
nobody else can have: an address leads nowhere else.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from mockserver.redaction import redacted

EVERY, NO_LOCAL = "*", "none"
"""What `--cors-origin` takes instead of an origin: all of them, and not even those on this machine."""

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._~-]{1,253})(?::[0-9]{1,5})?", re.IGNORECASE)
_SHOWABLE = re.compile(r"[!-~]{1,120}")


@dataclass(frozen=True, slots=True)
class Origins:
    """Who may use one mock.

    Attributes:
        listed: origins as browsers send them, `https://app.example` or `null`, EVERY, NO_LOCAL.
        names: the hosts by which the mock goes, in lower case, beside those of this machine and addresses.
    """

    listed: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def is_allowed(self, origin: str) -> bool:
        """Whether pages of an origin may read answers: those listed, and by default those that this machine serves."""
        if EVERY in self.listed or origin in self.listed:
            return True
        scheme, _, authority = origin.partition("://")
        return NO_LOCAL not in self.listed and scheme in ("http", "https") and is_local_host(_host_of(authority))

    def goes_by(self, host: str) -> bool:
        """Whether a Host header, HOST or HOST:PORT, names the mock by what leads nowhere else."""
        name = _host_of(host)
        return is_local_host(name) or name in self.names or _address(name) is not None

    def refusal_of_dial(self, origin: str, host: str) -> str | None:
        """Why a page of this origin may not dial a mock that it calls by this Host header; None where it may."""
        if EVERY in self.listed:
            return None
        _, _, authority = origin.partition("://")
        # What the mock itself serves, as the browser sees it; a tunnel may have put another name into the Host header.
        own = authority == host.lower() or _host_of(authority) in self.names
        if not own and not self.is_allowed(origin):
            return refusal_of_origin(origin)
        if not self.goes_by(host):
            return f"pages may not call this mock {_shown(host)}; start it with --public-url to give it that name"
        return None


def is_local_host(host: str) -> bool:
    """Whether a host (without port; IPv6 in brackets or not) is always this machine: RFC 6761, 6.3, or loopback."""
    name = host.lower().strip("[]")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def refusal_of_origin(origin: str) -> str:
    """What to say of a page that is not allowed."""
    shown = _shown(origin)
    return f"pages on {shown} may not use this mock; start it with --cors-origin {shown} (or CALLS_CORS_ORIGINS)"


def _host_of(authority: str) -> str:
    """The host in HOST or HOST:PORT, in lower case and without brackets; empty where that is neither."""
    found = _AUTHORITY.fullmatch(authority)
    return found[1].lower().strip("[]") if found else ""


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _shown(text: str) -> str:
    return redacted(text) if _SHOWABLE.fullmatch(text) else "(not shown)"
