"""Destinations that somebody else chose must not lead into our own network.

A name is looked at when it is resolved for the very connection, so that it cannot lead elsewhere in between.
"""

from ipaddress import IPv6Address, IPv6Network, ip_address
from socket import AddressFamily
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

#: Addresses of IPv4 behind a translator (RFC 6052).
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether anybody on the Internet may be meant. Raises ValueError for what is no address in numbers."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found in _TRANSLATED or found.sixtofour is not None or found.teredo is not None:
            return False
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
    return found.is_global and not found.is_multicast


class PublicResolver(AbstractResolver):
    """A name leads to its public addresses only; one without any was not found. Addresses in numbers are not
    asked about: `is_public` is for them.
    """

    def __init__(self) -> None:
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_INET
    ) -> list[ResolveResult]:
        """Raises OSError, without the addresses."""
        found = [one for one in await self._inner.resolve(host, port, family) if is_public(one["host"])]
        if not found:
            raise OSError("the name leads to no public address")
        return found

    async def close(self) -> None:
        await self._inner.close()
