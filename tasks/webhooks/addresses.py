"""Which addresses may be sent to: public ones, over https. Asked when a webhook is made and again at every attempt."""

from __future__ import annotations

import ipaddress
import socket
import threading
from dataclasses import dataclass

from django.conf import settings
from requests import PreparedRequest, RequestException
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

PORTS = (443, 8443)
RESOLVE_S = 3.0
# Public by the registries, yet a way to private ones: translation, tunnels, relays, overlay and segment routing.
DETOURS = [
    ipaddress.ip_network(net)
    for net in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/23",  # with Teredo
        "2002::/16",
        "192.88.99.0/24",
        "192.0.0.0/24",
        "100.64.0.0/10",
        "3fff::/20",
        "5f00::/16",
    )
]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class BadAddress(ValueError):
    """This URL is not sent to; the message says why, without the URL."""


class Unresolved(Exception):
    """The name of the host leads to no address now."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in the form in which it is requested, and where it leads."""

    url: str
    host: str
    port: int


def parse(url: str) -> Target:
    """Look at the shape of a URL, with the parser that will request it. Raises BadAddress."""
    if not url.isprintable() or " " in url or "\\" in url:
        raise BadAddress("A URL has no spaces, backslashes or control characters.")
    prepared = PreparedRequest()
    try:
        prepared.prepare_url(url, None)
        parts = parse_url(prepared.url or "")
    except (RequestException, LocationParseError, ValueError):
        raise BadAddress("This is not a URL.") from None
    insecure = settings.WEBHOOK_ALLOW_INSECURE
    if parts.scheme != "https" and not (insecure and parts.scheme == "http"):
        raise BadAddress("The URL must begin with https://.")
    if parts.auth is not None:
        raise BadAddress("The URL may not hold a user name or password.")
    if not parts.host:
        raise BadAddress("The URL names no host.")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if port not in PORTS and not insecure:
        raise BadAddress(f"The port must be {' or '.join(map(str, PORTS))}.")
    return Target(prepared.url or "", parts.host.strip("[]"), port)


def check(target: Target) -> None:
    """Resolve the host and refuse it if any of its addresses is bad. Raises BadAddress, Unresolved."""
    for address in resolve(target.host, target.port):
        if is_bad(address):
            raise BadAddress("The host leads to an address that is not public.")


def is_bad(address: Address) -> bool:
    """Not on the public internet, or a detour to what is not."""
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return is_bad(mapped)
    if settings.WEBHOOK_ALLOW_INSECURE and address.is_loopback:
        return False
    return (
        not address.is_global
        or address.is_multicast
        or address.is_reserved
        or getattr(address, "is_site_local", False)
        or any(address in net for net in DETOURS if net.version == address.version)
    )


def resolve(host: str, port: int) -> list[Address]:
    """All addresses of a host. Numbers are read by the system too: 0x7f000001 and 127.1 are loopback to it.

    In a thread of its own, since the system's resolver cannot be told how long it may take.
    """
    found: list[Address] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(ipaddress.ip_address(sockaddr[0]) for *_, sockaddr in answers)

    asking = threading.Thread(target=ask, name="resolve", daemon=True)
    asking.start()
    asking.join(RESOLVE_S)
    if not found:
        raise Unresolved("The name of the host could not be resolved.")
    return list(found)
