"""How phones are written, how codes are made, and how often one may ask for them."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import phonenumbers

CODE_LIFETIME = timedelta(minutes=5)
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
# One address may be a whole office or mobile network; these only stop a machine.
SENDS_PER_ADDRESS = (Limit(30, HOUR), Limit(200, DAY))
SENDS_IN_ALL = (Limit(1_000, HOUR),)


class NotAPhone(ValueError):
    """The text is not a phone number in international form."""


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


def masked(phone: str) -> str:
    """For logs and the audit trail: the country and the last two digits."""
    return f"{phone[:3]}{'*' * max(0, len(phone) - 5)}{phone[-2:]}"


def code_for(code_id: object, phone: str, *, pepper: str) -> str:
    """The six digits of a code row. Without the pepper they cannot be told, so they need not be stored anywhere.

    Of the 2^256 values of the HMAC, no six digits get more than one part in 2^235 more than others.
    """
    digest = hmac.new(pepper.encode(), f"{code_id}|{phone}".encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(digest, 'big') % 1_000_000:06d}"


def wait(ages: Sequence[timedelta], limits: Sequence[Limit]) -> timedelta:
    """How long until one more is within every limit; zero means now. `ages` of what happened, youngest first."""
    waits = [limit.per - ages[limit.count - 1] for limit in limits if len(ages) >= limit.count]
    return max([timedelta(0), *waits])


def neighbourhood(ip: str) -> tuple[str, str]:
    """First and last address counted as one: an IPv4 address, or the /64 that one IPv6 customer gets."""
    address = ipaddress.ip_address(ip)
    if address.version == 4 or address.ipv4_mapped:
        return ip, ip
    network = ipaddress.ip_network((address, 64), strict=False)
    return str(network[0]), str(network[-1])
