"""What a receiver's answer means, and what a bad receiver cannot do."""

import socket
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Entry
from tasks.execution import run_task
from tasks.models import Delivery, Task, Webhook
from tasks.webhooks import addresses, dispatch, endpoints, sending
from tasks.webhooks.delivery import WAITS_S, seconds_until
from tests import makers
from tests.tasks.receiver import receiving

pytestmark = pytest.mark.django_db
H = 3_600


@pytest.fixture
def receiver(redis):
    with receiving() as one:
        yield one


@pytest.fixture
def hook(receiver):
    return endpoints.create(owner=makers.user(), url=receiver.url, states=["completed"])


def attempt(delivery: Delivery) -> Delivery:
    """Run the sending task now, whatever it waits for."""
    Task.objects.filter(pk=delivery.sender_id, status="pending").update(run_after="2020-01-01T00:00Z")
    run_task(str(delivery.sender_id))
    return Delivery.objects.get(pk=delivery.pk)


def tried(hook: Webhook) -> Delivery:
    return attempt(dispatch.send_test(webhook=hook))


def wait_s(delivery: Delivery) -> float:
    return (Task.objects.get(pk=delivery.sender_id).run_after - timezone.now()).total_seconds()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 599])
def test_an_answer_that_may_pass_is_tried_again(hook, receiver, status):
    receiver.status = status
    delivery = tried(hook)
    assert delivery.state == "sending" and delivery.attempts.get().status == status
    receiver.status = 200
    delivery = attempt(delivery)
    assert (delivery.state, delivery.attempts.count()) == ("delivered", 2)
    assert receiver.received[0][1]["webhook-id"] == receiver.received[1][1]["webhook-id"]


@pytest.mark.parametrize("status", [304, 400, 401, 404, 422])
def test_another_answer_is_final(hook, receiver, status):
    receiver.status = status
    delivery = tried(hook)
    assert (delivery.state, delivery.error) == ("failed", f"The receiver answered {status}.")
    assert Task.objects.get(pk=delivery.sender_id).status == "failed"
    assert Webhook.objects.get().disabled_at is None


def test_a_redirect_is_not_followed(hook, receiver):
    receiver.status, receiver.headers = 302, {"Location": receiver.url.replace("/hook", "/elsewhere")}
    assert tried(hook).state == "failed"
    assert [path for path, _, _ in receiver.received] == ["/hook?key=k3y"]


def test_gone_disables_the_webhook_and_says_so(hook, receiver):
    waiting = dispatch.send_test(webhook=hook)
    receiver.status = 410
    assert tried(hook).state == "failed"
    row = Webhook.objects.get()
    assert row.disabled_at and row.disabled_by is None and "410" in row.disabled_reason
    assert Entry.objects.get(action="webhook_disabled").metadata["reason"] == row.disabled_reason
    assert attempt(waiting).error == "The webhook is disabled." and len(receiver.received) == 1
    endpoints.enable(webhook=row, user=row.owner)


def test_it_waits_longer_each_time_and_gives_up_after_three_days(hook, receiver):
    receiver.status = 503
    delivery = dispatch.send_test(webhook=hook)
    waits = []
    while delivery.state == "sending":
        delivery = attempt(delivery)
        waits.append(wait_s(delivery))
    planned = [5, 300, 1_800, 2 * H, 5 * H, 10 * H, 14 * H, 20 * H, 24 * H]
    assert list(WAITS_S) == planned and delivery.attempts.count() == len(waits) == 10
    for plan, wait in zip(planned, waits[:-1], strict=True):
        assert plan - 3 <= wait <= plan * 1.1
    assert (delivery.state, delivery.error) == ("failed", "The receiver answered 503.")


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [("120", 120, 132), ("0", 5, 5.5), ("86400", H, 1.1 * H), ("9" * 39, H, 1.1 * H), ("soon", 5, 5.5), ("-1", 5, 5.5)],
)
def test_retry_after_is_honoured_up_to_an_hour(hook, receiver, said, least, most):
    receiver.status, receiver.headers = 429, {"Retry-After": said}
    assert least - 3 <= wait_s(tried(hook)) <= most


def test_retry_after_may_be_a_date():
    now = timezone.now().replace(microsecond=0)
    at = (now + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert seconds_until(at, now) == 90
    assert seconds_until("Mon, 01 Jan 2001 00:00:00 GMT", now) == 0


def test_a_receiver_that_is_away_is_tried_again(hook):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    Webhook.objects.update(url=f"http://127.0.0.1:{port}/k3y")
    delivery = tried(hook)
    [one] = delivery.attempts.all()
    assert delivery.state == "sending" and one.status is None and "connection failed" in one.error
    task = Task.objects.get(pk=delivery.sender_id)
    assert "k3y" not in task.error_message + task.error_traceback + task.attempts.get().traceback


@pytest.mark.parametrize(("drip", "delay_s"), [("", 5), ("head", 0)])
def test_a_slow_receiver_is_left_at_the_deadline(hook, receiver, monkeypatch, drip, delay_s):
    monkeypatch.setattr(sending, "TOTAL_S", 1.0)
    receiver.drip, receiver.delay_s = drip, delay_s
    started = time.monotonic()
    delivery = tried(hook)
    assert time.monotonic() - started < 3
    assert delivery.state == "sending" and "did not answer within" in delivery.attempts.get().error


def test_a_body_that_never_ends_is_left_and_the_status_counts(hook, receiver, monkeypatch):
    monkeypatch.setattr(sending, "TOTAL_S", 1.0)
    receiver.drip = "body"
    started = time.monotonic()
    delivery = tried(hook)
    assert time.monotonic() - started < 3
    assert delivery.state == "delivered" and delivery.attempts.get().excerpt.startswith("x")


def test_a_huge_answer_is_not_read(hook, receiver):
    receiver.body = b"y\x00\xff" * 20_000_000
    delivery = tried(hook)
    assert delivery.state == "delivered" and 0 < len(delivery.attempts.get().excerpt) <= 1024
    assert "\x00" not in delivery.attempts.get().excerpt
    assert receiver.sent_bytes < 20_000_000  # what the sockets hold between them


def test_proxies_of_the_environment_are_not_used(hook, receiver, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert tried(hook).state == "delivered"


def test_an_owner_who_may_no_longer_see_is_told_nothing(receiver):
    boss = makers.user("operator")
    row = endpoints.create(owner=boss, url=receiver.url, states=["completed"])
    type(boss).objects.filter(pk=boss.pk).update(role="client")
    assert tried(row).state == "failed" and not receiver.received
    assert Webhook.objects.get().disabled_at


def test_a_webhook_whose_name_now_leads_inside_fails_for_good(hook, settings):
    waiting = dispatch.send_test(webhook=hook)
    Webhook.objects.update(url="https://localhost/")
    settings.WEBHOOK_ALLOW_INSECURE = False
    delivery = attempt(waiting)
    assert (delivery.state, delivery.error) == ("failed", "The host leads to an address that is not public.")


def test_a_name_that_is_not_known_is_refused_when_made_and_tried_again_later(hook):
    with pytest.raises(addresses.Unresolved):
        endpoints.accepted_url("https://nowhere.invalid/")
    Webhook.objects.update(url="https://nowhere.invalid/")
    assert tried(hook).state == "sending"
