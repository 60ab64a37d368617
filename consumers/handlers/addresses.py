"""Which addresses a call may go to: globally reachable unicast, as IANA's registries have it.

Written out, because `ipaddress` of a Python knows the registries of its own day. Sources, as of 2026:
https://www.iana.org/assignments/iana-ipv4-special-registry (RFC 6890 and its successors)
https://www.iana.org/assignments/iana-ipv6-special-registry
https://www.iana.org/assignments/ipv6-address-space: nothing but 2000::/3 is global unicast
Refused is what is not globally reachable there, what is so only for a protocol (192.0.0.9, 2001:1::1 and the like),
and what takes a call to another address by a tunnel (6to4, Teredo).
"""

from __future__ import annotations

import ipaddress
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# The first that fits names an address, so the narrower stand before the wider.
_KINDS: dict[str, str] = {
    # What clouds tell their machines, keys among it: nobody's webhook, whatever is allowed.
    "169.254.169.254/32": "a cloud's metadata",  # AWS, Azure, Google, Oracle and others
    "169.254.170.2/32": "a cloud's metadata",  # AWS ECS
    "169.254.170.23/32": "a cloud's metadata",  # AWS EKS
    "168.63.129.16/32": "a cloud's metadata",  # Azure: a public address that leads to the host
    "100.100.100.200/32": "a cloud's metadata",  # Alibaba
    "192.0.0.192/32": "a cloud's metadata",  # Oracle, of before
    "fd00:ec2::/32": "a cloud's metadata",  # AWS: ::254, EKS ::23
    "fd20:ce::254/128": "a cloud's metadata",  # Google
    "fd00:c1::a9fe:a9fe/128": "a cloud's metadata",  # Oracle
    # IPv4
    "0.0.0.0/32": "an unspecified",
    "0.0.0.0/8": "a special-purpose",  # RFC 791: this network
    "10.0.0.0/8": "a private",  # RFC 1918
    "100.64.0.0/10": "a private",  # RFC 6598: shared, behind a carrier's NAT
    "127.0.0.0/8": "a loopback",
    "169.254.0.0/16": "a link-local",
    "172.16.0.0/12": "a private",
    "192.0.0.0/24": "a special-purpose",  # RFC 6890: IETF protocols, DS-Lite, NAT64 discovery
    "192.0.2.0/24": "a documentation",
    "192.31.196.0/24": "a special-purpose",  # RFC 7535: AS112
    "192.52.193.0/24": "a special-purpose",  # RFC 7450: AMT
    "192.88.99.0/24": "a special-purpose",  # RFC 7526: 6to4 relays, deprecated
    "192.168.0.0/16": "a private",
    "192.175.48.0/24": "a special-purpose",  # RFC 7534: AS112
    "198.18.0.0/15": "a special-purpose",  # RFC 2544: benchmarks
    "198.51.100.0/24": "a documentation",
    "203.0.113.0/24": "a documentation",
    "224.0.0.0/4": "a multicast",
    "255.255.255.255/32": "a broadcast",
    "240.0.0.0/4": "a reserved",
    # IPv6
    "::/128": "an unspecified",
    "::1/128": "a loopback",
    "fc00::/7": "a private",
    "fe80::/10": "a link-local",
    "fec0::/10": "a private",  # RFC 3879: site-local, deprecated
    "ff00::/8": "a multicast",
    "2001::/32": "a tunnelled",  # RFC 4380: Teredo
    "2001::/23": "a special-purpose",  # RFC 2928: IETF protocols, benchmarks, ORCHID, AMT and others
    "2001:db8::/32": "a documentation",
    "2002::/16": "a tunnelled",  # RFC 3056: 6to4
    "2620:4f:8000::/48": "a special-purpose",  # RFC 7534: AS112
    "3ffe::/16": "a reserved",  # RFC 3701: the 6bone, given back
    "3fff::/20": "a documentation",  # RFC 9637
    "2000::/3": "",
    "::/0": "a special-purpose",  # NAT64 of one's own, SRv6, discard-only, IPv4-compatible, not assigned
}
_NETWORKS = [(ipaddress.ip_network(network), kind) for network, kind in _KINDS.items()]
_METADATA = "a cloud's metadata"
# Where the last 32 bits are an IPv4 address: mapped, RFC 6052 (how a network without IPv4 reaches IPv4), and those
# of one's own NAT64, IPv4-translated and IPv4-compatible.
_IS_INNER = [ipaddress.IPv6Network(text) for text in ("::ffff:0:0/96", "64:ff9b::/96")]
_HAS_INNER = [ipaddress.IPv6Network(text) for text in ("64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96")]
_ISATAP = {0x00005EFE, 0x02005EFE}  # RFC 5214: an interface that is an IPv4 address


def why_refused(address: str, *, private_too: bool = False) -> str:
    """Return what kind of address this is when no call may go to it, else "". Raises ValueError for none.

    `private_too`: all but those of clouds' metadata may be called. An IPv4 address inside an IPv6 one counts too.
    """
    ip = ipaddress.ip_address(address)
    kinds = [kind for kind in map(_kind, _meant(ip)) if kind]
    if private_too:
        return _METADATA if _METADATA in kinds else ""
    return kinds[0] if kinds else ""


def _meant(ip: Address) -> list[Address]:
    """Return the addresses that `ip` leads to; itself last, or not where it only stands for another."""
    if isinstance(ip, ipaddress.IPv4Address):
        return [ip]
    last = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if any(ip in network for network in _IS_INNER):
        return [last]
    found: list[Address] = [ip]
    if ip.sixtofour:
        found.insert(0, ip.sixtofour)
    if ip.teredo:
        found[:0] = ip.teredo
    is_isatap = (int(ip) >> 32) & 0xFFFFFFFF in _ISATAP
    if is_isatap or (int(ip) > 0xFFFF and any(ip in network for network in _HAS_INNER)):
        found.insert(0, last)
    return found


def _kind(ip: Address) -> str:
    if getattr(ip, "scope_id", None):  # fe80::1%eth0: means something on one machine only
        return "a link-local"
    return next((kind for network, kind in _NETWORKS if ip.version == network.version and ip in network), "")


def literal(host: str) -> str:
    """Return the address that a URL's host is, in its usual spelling; "" for a name.

    To the system 2130706433, 0x7f.1 and 0177.0.0.1 are addresses as well.
    """
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host)) if host[:1].isdigit() else ""
    except (OSError, UnicodeError):
        return ""
