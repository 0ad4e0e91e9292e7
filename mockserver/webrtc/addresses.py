"""Which of this machine's addresses a room is reached at; only this module knows aioice's insides.

aioice offers every address of the machine but loopback, and has no option for it.  Where another version of it finds
its addresses in another way, `tests/mockserver/test_room.py` fails.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import aioice.ice

_all_addresses = aioice.ice.get_host_addresses
_only: ContextVar[tuple[str, ...]] = ContextVar("_only", default=())

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"


def _addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    return list(_only.get()) or _all_addresses(use_ipv4=use_ipv4, use_ipv6=use_ipv6)


aioice.ice.get_host_addresses = _addresses


@contextmanager
def reached_at(hosts: Sequence[str]) -> Iterator[None]:
    """Have connections that gather their candidates in here, and in tasks begun in here, offer these alone."""
    token = _only.set(tuple(dict.fromkeys(address for host in hosts for address in addresses_of(host))))
    try:
        yield
    finally:
        _only.reset(token)


def addresses_of(host: str) -> tuple[str, ...]:
    """The IP addresses at which a server that listens on `host`, an address or a name, can be sent media."""
    if host == "localhost":
        return (LOOPBACK,)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = ipaddress.ip_address(EVERYWHERE)
    if not address.is_unspecified:
        return (str(address),)
    # Who is on this machine has no other way to it where there is no network.
    return (LOOPBACK, *_all_addresses(use_ipv4=True, use_ipv6=address.version == 6))
