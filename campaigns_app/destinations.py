"""Where outgoing requests may go: never into private networks, unless the operator allows them.

Two looks at every destination. `check_url` is for the person who types a URL, and says at once what
is wrong with it. `is_reachable` judges an address, and is asked again for the very address that is
dialled: a name may lead elsewhere a second later.
"""

import re
import socket
from collections.abc import Iterable
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from yarl import URL

from campaigns_app.setting_values import IPNetwork

LONGEST_URL = 2048

# Written out, because `ipaddress.is_global` takes for public, depending on Python's version, NAT64,
# 6to4, multicast and others; through some of them an IPv4 address inside can be reached.
DENIED_NETWORKS: tuple[IPNetwork, ...] = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32"),
        *("2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
)
MAPPED_IPV4 = IPv6Network("::ffff:0:0/96")

_UNSAFE_CHARACTERS = re.compile(r"[\x00-\x20\x7f\\]")
_NUMERIC_LABEL = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)


class UrlFault(StrEnum):
    """Why a URL cannot be a destination."""

    INVALID = "invalid"
    PORT = "port"
    NOT_ALLOWED = "not allowed"


def is_reachable(address: str, port: int, allowed: Iterable[IPNetwork]) -> bool:
    """Whether a literal IP address may be dialled at `port`: it is public and not this machine's
    own, and the port is one for the web; or it is in a network of `allowed`, at any port.

    Anything that is not an address is not reachable.
    """
    try:
        ip = _unwrapped(ip_address(address))
    except ValueError:
        return False
    if any(ip in network for network in allowed):
        return True
    is_denied = any(ip in network for network in DENIED_NETWORKS) or _is_our_own(ip)
    return is_web_port(port) and not is_denied


def is_web_port(port: int) -> bool:
    """Whether a web server may listen there. Below 1024 are those that mail, name and other servers
    have, which could be made to do something by a request that is not for them."""
    return port in {80, 443} or 1024 <= port <= 65535


def check_url(url: str, allowed: Iterable[IPNetwork]) -> UrlFault | None:
    """What is wrong with `url` as a destination, None if nothing is.

    Asks the name service, which can take seconds: call it outside of a transaction. A name that
    does not resolve now is let through; it is judged again whenever it is dialled.
    """
    parsed = _parse(url)
    if parsed is None:
        return UrlFault.INVALID
    allowed = tuple(allowed)
    port = parsed.port or 0
    addresses = _resolve(str(parsed.raw_host).rstrip("."), port)
    if addresses and all(is_reachable(address, port, allowed) for address in addresses):
        return None
    # Said of the port alone, wherever the name leads.
    if not is_web_port(port):
        return UrlFault.PORT
    return UrlFault.NOT_ALLOWED if addresses else None


def _parse(url: str) -> URL | None:
    """The URL, by the same parser that the HTTP client uses, or None where it has a fault."""
    authority = url.partition("://")[2].partition("/")[0].partition("?")[0]
    if len(url) > LONGEST_URL or _UNSAFE_CHARACTERS.search(url) or "@" in authority or "#" in url:
        return None
    try:
        parsed = URL(url)
        host, port = parsed.raw_host, parsed.explicit_port
    except ValueError:
        return None
    if parsed.scheme not in {"http", "https"} or not host or port == 0:
        return None
    return parsed if _is_host(host) else None


def _is_host(host: str) -> bool:
    """Whether `host` can be dialled from anywhere, which an address of one machine's own link
    cannot. One that ends in a number must be an address written in full (WHATWG URL, §3.5):
    clients differ in what they make of `127.1` or `0x7f000001`."""
    if ":" in host:
        return "%" not in host
    if not _NUMERIC_LABEL.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return True
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(sockaddr[0]) for *_, sockaddr in found]


def _is_our_own(ip: IPv4Address | IPv6Address) -> bool:
    """Whether the address is one of this machine's: behind a public one, too, are servers that a
    firewall keeps from everybody else. The way there begins where it ends; nothing is sent."""
    family = socket.AF_INET6 if ip.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(ip), 9))
            return ip_address(probe.getsockname()[0]) == ip
    except OSError:
        return False


def _unwrapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(ip, IPv6Address) and ip in MAPPED_IPV4 and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ip
