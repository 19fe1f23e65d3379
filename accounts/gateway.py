"""Text messages through the HTTP gateway of a provider."""

from __future__ import annotations

import json
from string import Template
from typing import Any

import requests
from django.conf import settings
from django.utils import timezone
from requests_hardened import Config, HTTPSession

from accounts.sms import SmsDelayed, SmsRefused
from base.deadline import Deadline, TimedAdapter
from tasks.webhooks.delivery import TRY_AGAIN, seconds_until

CONNECT_S, TOTAL_S = 3.0, 10.0
LATE = f"The SMS gateway did not answer within {TOTAL_S:g} s."


class HttpBackend:
    """One POST to settings.SMS_GATEWAY_URL for each message; any 2xx is taken for sent.

    The address is the operator's, so it may be an internal one; redirects and proxies of the environment are not
    followed. `Idempotency-Key` is the message's id, should it be sent again. Errors name the status alone.
    """

    def send(self, *, to: str, text: str, message_id: str) -> None:
        fields = filled(json.loads(settings.SMS_GATEWAY_BODY), {"to": to, "text": text, "id": message_id})
        body = {"json": fields} if settings.SMS_GATEWAY_FORMAT == "json" else {"data": fields}
        headers = {"Idempotency-Key": message_id}
        if settings.SMS_GATEWAY_TOKEN:
            headers["Authorization"] = f"{settings.SMS_GATEWAY_SCHEME} {settings.SMS_GATEWAY_TOKEN}"
        config = Config(
            ip_filter_enable=False,
            ip_filter_allow_loopback_ips=True,
            never_redirect=True,
            default_timeout=(CONNECT_S, TOTAL_S),
            user_agent_override="Millrace/1",
        )
        deadline = Deadline(TOTAL_S)
        try:
            with HTTPSession(config) as session, deadline:
                session.trust_env = False
                for scheme in ("https://", "http://"):
                    session.mount(scheme, TimedAdapter(deadline))
                with session.post(settings.SMS_GATEWAY_URL, headers=headers, stream=True, **body) as answer:
                    status, retry_after = answer.status_code, answer.headers.get("Retry-After", "")
        except requests.RequestException as error:
            raise SmsDelayed(
                LATE if deadline.passed else f"The SMS gateway could not be reached: {type(error).__name__}."
            ) from None
        if deadline.passed:  # a head that was cut off looks like one that ended
            raise SmsDelayed(LATE)
        if not 200 <= status < 300:
            raise _refusal(status, retry_after)


def filled(template: Any, values: dict[str, str]) -> Any:
    """A JSON value with `$to`, `$text` and `$id` in its strings replaced, whatever the text holds."""
    match template:
        case dict():
            return {key: filled(value, values) for key, value in template.items()}
        case list():
            return [filled(value, values) for value in template]
        case str():
            return Template(template).safe_substitute(values)
    return template


def _refusal(status: int, retry_after: str) -> Exception:
    said = f"The SMS gateway answered {status}."
    if status in TRY_AGAIN or status >= 500:
        asked = seconds_until(retry_after, timezone.now())
        return SmsDelayed(said, retry_after_s=None if asked is None else max(asked, 1.0))
    return SmsRefused(said)
