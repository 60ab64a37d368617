"""From where a request comes: the peer of the connection, or what proxies that are trusted say of theirs.

`MQADMIN_TRUSTED_PROXIES` names them. Nobody else's `X-Forwarded-For` is read, and no other header ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

UNIX = "unix"  # in the setting: whoever connects by the unix socket, which has no address
NOWHERE = "0.0.0.0"  # noqa: S104  # not listened on: stands for an address that nobody knows
MOST_HOPS = 50
_IPV6_SITE = 64  # bits: whoever has one address of a network this large has all of them

Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Proxies:
    """Whose word is taken. `unread`: parts of the setting that are no address, and are not trusted."""

    networks: tuple[IPv4Network | IPv6Network, ...]
    by_unix_socket: bool
    unread: tuple[str, ...]

    def trust(self, address: Address | None) -> bool:
        """Whether `address` is one of them; None is the other end of a unix socket."""
        if address is None:
            return self.by_unix_socket
        return any(address in network for network in self.networks)


def proxies() -> Proxies:
    """Return what the setting says."""
    return _proxies(tuple(settings.MQADMIN_TRUSTED_PROXIES))


@lru_cache(maxsize=8)
def _proxies(words: tuple[str, ...]) -> Proxies:
    networks, unread = [], []
    for word in words:
        try:
            network = ip_network(word, strict=False)
        except ValueError:
            network = None
        if (
            network is not None and network.prefixlen > 0
        ):  # who trusts everybody lets anybody choose an address
            networks.append(network)
        elif word != UNIX:
            unread.append(word)
    return Proxies(tuple(networks), UNIX in words, tuple(unread))


def is_from_proxy(request: HttpRequest) -> bool:
    """Whether the peer of the connection is a proxy that is trusted."""
    peer = request.META.get("REMOTE_ADDR", "")
    address = read(peer)
    return proxies().trust(address) if address or not peer else False


def client(request: HttpRequest) -> str:
    """Return the address that a request comes from, in its one spelling; "" where it is not known.

    `X-Forwarded-For` is read from its right end, where the nearest proxy wrote: past those that are trusted, to the
    first address that is not, and no further, for the rest is what that one says of itself. A part that is no
    address ends it as well: then the last proxy that was understood stands for whoever is behind it.
    """
    found = read(request.META.get("REMOTE_ADDR", ""))
    if is_from_proxy(request):
        trusted = proxies()
        for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", MOST_HOPS)):
            address = read(hop)
            if address is None:
                break
            found = address
            if not trusted.trust(address):
                break
    return str(found or "")


def read(text: str) -> Address | None:
    """Return the address in `text`: with a port, in brackets or quotes, with a zone, or IPv4 inside IPv6."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def site(address: str) -> str:
    """Return what limits count as one place: an IPv4 address, or the /64 network that an IPv6 address is in."""
    found = read(address)
    if found is None:
        return NOWHERE
    if isinstance(found, IPv4Address):
        return str(found)
    return str(IPv6Network((found, _IPV6_SITE), strict=False).network_address)
