import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.exceptions import ImproperlyConfigured

import accounts.gateway
from accounts.gateway import HttpBackend
from accounts.services import request_code
from accounts.sms import SmsDelayed, SmsRefused
from config.messages import check_gateway
from tasks.models import Attempt, Task
from tasks.testing import run_due
from tests.accounts.conftest import code_of

BODY = '{"to": "$to", "text": "$text"}'


class Gateway(HTTPServer):
    """A provider on loopback that answers as told and keeps what it got."""

    answer = (202, {})
    drips = False
    seen: list[tuple[dict[str, str], bytes]]


class Handler(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((dict(self.headers), body))
        if self.server.drips:
            with suppress(OSError):
                self.drip()
            return
        status, headers = self.server.answer
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def drip(self) -> None:
        """A head that never ends, byte by byte, each before the client would give up waiting for one."""
        self.wfile.write(b"HTTP/1.1 202 Accepted\r\nX-Slow: ")
        while not time.sleep(0.05):
            self.wfile.write(b"x")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def gateway(settings) -> Iterator[Gateway]:
    with Gateway(("127.0.0.1", 0), Handler) as server:
        server.seen = []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        settings.SMS_BACKEND = "accounts.gateway.HttpBackend"
        settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{server.server_port}/messages"
        settings.SMS_GATEWAY_TOKEN = "t0ken"
        yield server
        server.shutdown()


def send(text: str = "123456 is your code") -> None:
    HttpBackend().send(to="+4930901820", text=text, message_id="m1")


def test_a_message_is_one_post_with_the_token_and_a_stable_id(gateway):
    send('quote " and ü')
    [(headers, body)] = gateway.seen
    assert json.loads(body) == {"to": "+4930901820", "text": 'quote " and ü'}
    assert (headers["Authorization"], headers["Idempotency-Key"]) == ("Bearer t0ken", "m1")


def test_a_form_with_a_body_of_its_own(gateway, settings):
    settings.SMS_GATEWAY_FORMAT, settings.SMS_GATEWAY_SCHEME = "form", "Basic"
    settings.SMS_GATEWAY_BODY = '{"To": "$to", "Body": "$text", "From": "Mill"}'
    send("a & b")
    [(headers, body)] = gateway.seen
    assert body == b"To=%2B4930901820&Body=a+%26+b&From=Mill" and headers["Authorization"] == "Basic t0ken"


def test_a_text_cannot_change_the_shape_of_what_is_sent(gateway):
    send('$to ${id} "}, {"to": "x')
    assert json.loads(gateway.seen[0][1])["text"] == '$to ${id} "}, {"to": "x'


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_what_may_pass_is_tried_again(gateway, status):
    gateway.answer = (status, {})
    with pytest.raises(SmsDelayed, match=f"answered {status}"):
        send()


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 422])
def test_what_will_not_change_is_refused_and_nobody_is_followed(gateway, status):
    gateway.answer = (status, {"Location": "/elsewhere"})
    with pytest.raises(SmsRefused, match=f"answered {status}"):
        send()
    assert len(gateway.seen) == 1


def test_a_gateway_that_drips_is_left_at_the_deadline_and_tried_again(gateway, monkeypatch):
    monkeypatch.setattr(accounts.gateway, "TOTAL_S", 0.4)
    gateway.drips = True
    started = time.monotonic()
    with pytest.raises(SmsDelayed, match="did not answer within"):
        send()
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [("7", 7, 7), ("0", 1, 1), ("99999", 3600, 3600), ("soon", None, None), ("a date", 60, 90)],
)
def test_a_gateway_says_when_to_come_back(gateway, retry_after, least, most):
    if retry_after == "a date":
        retry_after = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    gateway.answer = (429, {"Retry-After": retry_after})
    with pytest.raises(SmsDelayed) as delay:
        send()
    asked = delay.value.retry_after_s
    assert asked is least if least is None else least <= asked <= most


@pytest.mark.django_db
@pytest.mark.parametrize(("status", "left"), [(503, "pending"), (400, "failed"), (None, "pending")])
def test_no_code_is_in_any_error_or_log(gateway, phone, caplog, settings, status, left):
    caplog.set_level("DEBUG")
    if status is None:
        settings.SMS_GATEWAY_URL = "http://127.0.0.1:9/messages"  # nobody listens there
    else:
        gateway.answer = (status, {})
    request_code(phone=phone)
    run_due()
    task = Task.objects.get(name="accounts.send_code")
    assert task.status == left
    written = str(list(Task.objects.values()) + list(Attempt.objects.values())) + caplog.text
    assert code_of(phone) not in written.replace(str(task.kwargs["code_id"]), "") and "t0ken" not in written


@pytest.mark.parametrize(
    ("url", "body", "form"),
    [("", BODY, "json"), ("http://sms.example.org", BODY, "json"), ("https://sms.example.org", "{", "json")]
    + [("https://sms.example.org", '{"to": "$to"}', "json"), ("https://sms.example.org", BODY, "xml")],
)
def test_a_gateway_that_cannot_work_or_could_be_read_on_the_way_stops_the_start(url, body, form):
    check_gateway("https://sms.example.org", BODY, "json")
    with pytest.raises(ImproperlyConfigured):
        check_gateway(url, body, form)
