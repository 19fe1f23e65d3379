"""How phones and addresses are written, how codes and tokens are made, and how often one may ask for them."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import phonenumbers

CODE_LIFETIME = timedelta(minutes=5)
LINK_LIFETIME = timedelta(hours=24)
LOOKS_PER_CODE = 5
E164_LENGTH = 16  # a plus and fifteen digits
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` in any span of `per`."""

    count: int
    per: timedelta


SENDS_PER_PHONE = (Limit(1, MINUTE), Limit(5, HOUR), Limit(10, DAY))
FAILED_LOOKS_PER_PHONE = (Limit(20, DAY),)
MAILS_PER_USER = SENDS_PER_PHONE
MAILS_PER_ADDRESS = (Limit(5, HOUR), Limit(10, DAY))  # whoever asks: nobody's mailbox is filled from here
# One network address may be a whole office or mobile network; these only stop a machine.
SENDS_PER_ADDRESS = (Limit(30, HOUR), Limit(200, DAY))
SENDS_IN_ALL = (Limit(1_000, HOUR),)
MAILS_IN_ALL = (Limit(1_000, HOUR),)
TOKEN_BYTES = 48  # the row's id and an HMAC-SHA256


class NotAPhone(ValueError):
    """The text is not a phone number in international form."""


class NotAnAddress(ValueError):
    """The text is not a mail address as we take them."""


def e164(text: str) -> str:
    """`+49 (30) 901820` as `+4930901820`. Raises NotAPhone.

    Possible rather than assigned numbers are taken: numbering plans change faster than our packages.
    """
    if not re.fullmatch(r"\+[0-9][0-9 ().\-]{3,30}", text):
        raise NotAPhone("A phone number in international form, such as +4930901820.")
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise NotAPhone("No country has such a number.") from None
    result = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not phonenumbers.is_possible_number(number) or len(result) > E164_LENGTH:
        raise NotAPhone("No country has such a number.")
    return result


def mail_address(text: str) -> str:
    """`Ann@Example.ORG` as `Ann@example.org`: what is before the @ is its server's affair. Raises NotAnAddress.

    ASCII and unquoted: two readings of one address would be two people.
    """
    local, _, domain = text.rpartition("@")
    if not re.fullmatch(r"[!#-'*+\-.-9=?A-Z^-~]+", local) or not re.fullmatch(r"[A-Za-z0-9.\-]+", domain):
        raise NotAnAddress("An address such as ann@example.org; domains of other scripts in their xn-- form.")
    return f"{local}@{domain.lower()}"


def masked(phone: str) -> str:
    """For logs and the audit trail: the country and the last two digits."""
    return f"{phone[:3]}{'*' * max(0, len(phone) - 5)}{phone[-2:]}"


def phone_digest(phone: str, *, pepper: str) -> str:
    """By which a phone is known again and cannot be told."""
    return hmac.new(pepper.encode(), f"phone|{phone}".encode(), hashlib.sha256).hexdigest()


def code_for(code_id: object, phone: str, *, pepper: str) -> str:
    """The six digits of a code row. Without the pepper they cannot be told, so they need not be stored anywhere.

    Of the 2^256 values of the HMAC, no six digits get more than one part in 2^235 more than others.
    """
    digest = hmac.new(pepper.encode(), f"{code_id}|{phone}".encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(digest, 'big') % 1_000_000:06d}"


def email_token(verification_id: UUID, address: str, *, pepper: str) -> str:
    """The token of a verification's row: its id and a keyed hash of id and address, 64 characters fit for a URL."""
    mac = hmac.new(pepper.encode(), f"email|{verification_id}|{address}".encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(verification_id.bytes + mac).decode()


def verification_of(token: str) -> UUID | None:
    """Which row a token says it is of. None: it has not even the form of one."""
    try:
        raw = urlsafe_b64decode(token)
    except ValueError:
        return None
    return UUID(bytes=raw[:16]) if len(raw) == TOKEN_BYTES else None


def wait(ages: Sequence[timedelta], limits: Sequence[Limit]) -> timedelta:
    """How long until one more is within every limit; zero means now. `ages` of what happened, youngest first."""
    waits = [limit.per - ages[limit.count - 1] for limit in limits if len(ages) >= limit.count]
    return max([timedelta(0), *waits])


def masked_ip(ip: str | None) -> str | None:
    """The network an address is in, which tells its owner enough: 192.0.2.0/24, 2001:db8::/48."""
    if ip is None:
        return None
    address = ipaddress.ip_address(ip)
    address = getattr(address, "ipv4_mapped", None) or address
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False))


BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "Mac OS": "macOS",
           "CrOS": "ChromeOS", "Linux": "Linux"}  # fmt: skip


def device_of(user_agent: str) -> str:
    """`Firefox on Linux`, to tell one's own devices apart; what is no browser by its own first word."""
    browser = next((name for mark, name in BROWSERS.items() if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or user_agent.split("/")[0].split(" ")[0][:40] or "unknown"


def neighbourhood(ip: str) -> tuple[str, str]:
    """First and last address counted as one: an IPv4 address, or the /64 that one IPv6 customer gets."""
    address = ipaddress.ip_address(ip)
    if address.version == 4 or address.ipv4_mapped:
        return ip, ip
    network = ipaddress.ip_network((address, 64), strict=False)
    return str(network[0]), str(network[-1])
