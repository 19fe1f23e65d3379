"""One HTTP request to a receiver that may be slow, broken or hostile."""

from __future__ import annotations

import ipaddress
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import requests
from django.conf import settings
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.exceptions import HTTPError

from base.deadline import Deadline
from tasks.webhooks import addresses

CONNECT_S, TOTAL_S = 3.0, 10.0
MOST_READ = 64 * 1024
EXCERPT = 1024
NO_ANSWER = f"The receiver did not answer within {TOTAL_S:g} s."


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. `status` is None when no answer came; `error` says why, in words without the URL."""

    took_ms: int
    status: int | None = None
    excerpt: str = ""
    retry_after: str = ""
    error: str = ""


def post(target: addresses.Target, *, body: bytes, headers: dict[str, str]) -> Answer:
    """Send once. Raises BadAddress when the host now leads to an address that is not public."""
    started = time.monotonic()
    deadline = Deadline(TOTAL_S)
    config = Config(
        ip_filter_enable=True,
        ip_filter_allow_loopback_ips=settings.WEBHOOK_ALLOW_INSECURE,
        never_redirect=True,
        default_timeout=(CONNECT_S, TOTAL_S),
        user_agent_override="Millrace-Webhooks/1",
    )
    with HTTPSession(config) as session, deadline:
        session.trust_env = False  # neither proxies nor passwords of the environment
        session.mount("https://", Pinned(is_https_proto=True, deadline=deadline))
        session.mount("http://", Pinned(is_https_proto=False, deadline=deadline))
        try:
            addresses.check(target)
            answer = session.post(target.url, data=body, headers=headers, stream=True)
        except addresses.Unresolved as error:
            return Answer(_ms(started), error=str(error))
        except requests.RequestException as error:
            return Answer(_ms(started), error=_in_words(error, late=deadline.passed))
        with answer:
            if deadline.passed:  # a head that was cut off looks like one that ended
                return Answer(_ms(started), error=NO_ANSWER)
            return Answer(
                _ms(started),
                status=answer.status_code,
                excerpt=_beginning(answer),
                retry_after=answer.headers.get("Retry-After", "")[:40],
            )


def _beginning(answer: requests.Response) -> str:
    """The status is the answer; of the body only so much is read as a person may want to see."""
    read = b""
    with suppress(HTTPError, OSError):
        while len(read) < MOST_READ and (piece := answer.raw.read1(MOST_READ - len(read), decode_content=False)):
            read += piece
    return read[:EXCERPT].decode("utf-8", "replace").replace("\x00", "")[:EXCERPT]


def _in_words(error: requests.RequestException, *, late: bool) -> str:
    """A sentence for people. The exception's own text holds the URL, which may hold a key."""
    if late or isinstance(error, requests.ReadTimeout):
        return NO_ANSWER
    match error:
        case requests.ConnectTimeout():
            return f"No connection within {CONNECT_S:g} s."
        case requests.exceptions.SSLError():
            return "The TLS connection failed: the certificate or the protocol was not accepted."
        case requests.ConnectionError():
            return "The connection failed or was closed without an answer."
    return f"The request failed: {type(error).__name__}."


def _ms(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


class Pinned(IPFilterAdapter):
    """Connects to an address that was checked, and never longer than until the deadline."""

    def __init__(self, *, is_https_proto: bool, deadline: Deadline) -> None:
        super().__init__(is_https_proto, allow_loopback=settings.WEBHOOK_ALLOW_INSECURE)
        self.deadline = deadline

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        # The base class resolves the name and puts the address in its place; that address must pass here too.
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if addresses.is_bad(ipaddress.ip_address(host["host"].strip("[]"))):
            raise addresses.BadAddress("The host leads to an address that is not public.")
        return host, pool

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = self.deadline.watched(pool.ConnectionCls)
        return pool
