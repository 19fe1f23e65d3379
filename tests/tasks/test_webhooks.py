"""Whatever ends a task, its messages are stored with its end and sent once, signed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from audit.models import Entry
from tasks import claims, services, store
from tasks.execution import run_task
from tasks.models import Delivery, Status, Task, Webhook
from tasks.sweep import fail_unknown
from tasks.webhooks import dispatch, endpoints, messages
from tests import makers
from tests.garden import tasks as garden
from tests.processes import eventually
from tests.tasks.receiver import receiving

pytestmark = pytest.mark.django_db
ALL = ["cancelled", "completed", "failed"]


@pytest.fixture(autouse=True)
def _queues(redis):
    """Every test here rings bells that nobody hears."""


@pytest.fixture
def receiver():
    with receiving() as one:
        yield one


@pytest.fixture
def owner(db):
    return makers.user()


def hook(owner, url="http://127.0.0.1:1/", **fields) -> Webhook:
    return endpoints.create(owner=owner, url=url, **{"states": ALL, **fields})


def noted(owner, name="x", **options) -> Task:
    """A task of the owner's that has completed."""
    result = garden.note.using(requested_by_id=owner.pk, **options).enqueue(name=name)
    run_task(result.id)
    return Task.objects.get(pk=result.id)


def deliver() -> Delivery:
    """Send what is new, as the scheduler and a worker would; the newest delivery as it then is."""
    dispatch.dispatch()
    for delivery in Delivery.objects.filter(state="sending"):
        run_task(str(delivery.sender_id))
    return Delivery.objects.order_by("-id").first()


class TestEnds:
    """Each way in which a task ends leaves one message for the webhook."""

    @pytest.fixture(autouse=True)
    def _hook(self, owner):
        self.hook, self.owner = hook(owner), owner

    def enqueue(self, task=garden.note, **kwargs) -> str:
        return task.using(requested_by_id=self.owner.pk).enqueue(**(kwargs or {"name": "x"})).id

    def told(self) -> list[str]:
        return list(Delivery.objects.filter(webhook=self.hook, state="new").values_list("event", flat=True))

    def test_completed(self):
        run_task(self.enqueue())
        assert self.told() == ["task.completed"]

    def test_failed_for_good(self):
        run_task(self.enqueue(garden.fail, how="permanent"))
        assert self.told() == ["task.failed"]

    def test_a_failed_attempt_that_is_tried_again_is_no_end(self):
        run_task(self.enqueue(garden.fail, how="temporary"))
        assert self.told() == []

    def test_cancelled_while_it_waits(self):
        services.cancel_task(task_id=self.enqueue())
        assert self.told() == ["task.cancelled"]

    def test_cancelled_while_it_ran(self):
        task_id = self.enqueue()
        claims.claim(task_id, worker="w")
        services.cancel_task(task_id=task_id)
        Task.objects.update(lease_until="2020-01-01T00:00Z")
        store.expire()
        assert self.told() == ["task.cancelled"]

    def test_crashed_too_often(self):
        task_id = self.enqueue()
        for crash in range(store.MAX_CRASHES):
            assert self.told() == []
            Task.objects.update(run_after="2020-01-01T00:00Z")
            claims.claim(task_id, worker="w")
            store.crashed(worker="w", message="gone") if crash else self.expire()
        assert self.told() == ["task.failed"]

    def expire(self) -> None:
        Task.objects.update(lease_until="2020-01-01T00:00Z")
        store.expire()

    def test_killed_at_its_timeout(self):
        task_id = self.enqueue()
        Task.objects.update(max_attempts=1)
        claims.claim(task_id, worker="w")
        store.timed_out(worker="w", message="late")
        assert self.told() == ["task.failed"]

    def test_given_up_because_no_release_knows_it(self):
        self.enqueue()
        Task.objects.update(name="garden.unknown", run_after=timezone.now() - timedelta(hours=2))
        fail_unknown()
        assert self.told() == ["task.failed"]

    def test_ended_by_hand_in_sql(self):
        self.enqueue()
        Task.objects.update(status=Status.FAILED, completed_at=timezone.now())
        assert self.told() == ["task.failed"]

    def test_a_rolled_back_end_tells_nobody(self):
        task_id = self.enqueue()
        with pytest.raises(RuntimeError), transaction.atomic():
            services.cancel_task(task_id=task_id)
            assert self.told() == ["task.cancelled"]
            raise RuntimeError
        assert self.told() == []


class TestWhoIsTold:
    def told(self, webhook) -> int:
        return Delivery.objects.filter(webhook=webhook).count()

    def test_a_client_hears_of_its_own_tasks_and_an_operator_of_all(self, owner):
        mine, others, staffs = hook(owner), hook(makers.user()), hook(makers.user("operator"))
        noted(owner)
        assert [self.told(one) for one in (mine, others, staffs)] == [1, 0, 1]
        run_task(garden.note.enqueue(name="nobody's").id)
        assert [self.told(one) for one in (mine, others, staffs)] == [1, 0, 2]

    def test_only_the_names_and_states_it_wants(self, owner):
        by_name, by_state = hook(owner, task_names=["garden.fail"]), hook(owner, states=["failed"])
        noted(owner)
        assert (self.told(by_name), self.told(by_state)) == (0, 0)
        run_task(garden.fail.using(requested_by_id=owner.pk).enqueue(how="permanent").id)
        assert (self.told(by_name), self.told(by_state)) == (1, 1)

    def test_a_webhook_named_by_a_task_hears_of_it_alone_and_of_its_retry(self, owner):
        named = hook(owner, standing=False)
        noted(owner)
        assert self.told(named) == 0
        result = garden.fail.using(webhook_id=named.pk).enqueue(how="permanent")
        run_task(result.id)
        assert self.told(named) == 1
        run_task(str(services.retry_task(task_id=result.id).pk))
        assert self.told(named) == 2
        [many] = garden.note.using(webhook_id=str(named.pk)).enqueue_many([{"name": "one of many"}])
        run_task(many)
        assert self.told(named) == 3

    def test_a_standing_webhook_that_a_task_names_is_told_once(self, owner):
        both = hook(owner)
        noted(owner, webhook_id=both.pk)
        assert self.told(both) == 1

    def test_nobody_is_told_when_disabled_or_deleted(self, owner):
        off, gone = hook(owner), hook(owner)
        endpoints.disable(webhook=off, reason="x")
        endpoints.delete(webhook=gone)
        noted(owner)
        assert not Delivery.objects.exists()

    def test_sending_tells_nobody_itself(self, receiver):
        everything = hook(makers.user("admin"), receiver.url)
        noted(makers.user())
        deliver()
        assert dispatch.dispatch() == 0 and self.told(everything) == 1 and len(receiver.received) == 1


class TestMessage:
    def test_it_is_signed_and_holds_the_task_as_the_api_shows_it(self, owner, receiver):
        row = hook(owner, receiver.url)
        task = noted(owner, "told")
        delivery = deliver()
        [(path, headers, body)] = receiver.received
        sent = Verifier(row.secret).verify(body, headers)
        assert (sent["type"], path) == ("task.completed", "/hook?key=k3y")
        shown = makers.client(owner).get(f"/api/v1/tasks/{task.pk}").json()
        assert sent["data"]["result"] == {"noted": "told"} and not sent["data"]["result_omitted"]
        told = {key: value for key, value in sent["data"].items() if key != "result_omitted"}
        assert told == {key: shown[key] for key in told} and {"task_id", "status", "error"} <= set(told)
        assert (sent["data"]["task_id"], sent["data"]["status"]) == (str(task.pk), "completed")
        assert headers["webhook-id"] == delivery.message_id
        assert not {"cookie", "authorization"} & set(headers)
        assert (delivery.state, delivery.attempts.get().excerpt) == ("delivered", "thanks")
        with pytest.raises(WebhookVerificationError):
            Verifier(row.secret).verify(body.replace("told", "cold"), headers)

    def test_a_large_result_is_left_out(self, owner, receiver):
        hook(owner, receiver.url)
        task = noted(owner)
        Task.objects.filter(pk=task.pk).update(result={"rows": "x" * messages.MOST_RESULT})
        deliver()
        [sent] = receiver.messages
        assert sent["data"]["result"] is None and sent["data"]["result_omitted"]

    def test_both_secrets_sign_while_one_is_changed_for_the_other(self, owner, receiver):
        row = hook(owner, receiver.url)
        old = row.secret
        new = endpoints.rotate_secret(webhook=row).secret
        noted(owner, "during")
        deliver()
        _, headers, body = receiver.received[0]
        assert old != new and Verifier(old).verify(body, headers) and Verifier(new).verify(body, headers)
        Webhook.objects.update(previous_until=timezone.now() - timedelta(seconds=1))
        noted(owner, "after")
        deliver()
        _, headers, body = receiver.received[1]
        assert Verifier(new).verify(body, headers)
        with pytest.raises(WebhookVerificationError):
            Verifier(old).verify(body, headers)
        dispatch.clean()
        assert Webhook.objects.get().previous_secret == ""

    def test_it_is_sent_again_as_it_was_under_the_same_id(self, owner, receiver):
        row = hook(owner, receiver.url)
        task = noted(owner)
        first = deliver()
        Task.objects.filter(pk=task.pk).update(result=None, result_dropped_at=timezone.now())
        again = dispatch.resend(delivery=first, reason="lost")
        assert again.resent_of == first
        run_task(str(again.sender_id))
        (_, one, body), (_, two, same) = receiver.received
        assert (one["webhook-id"], body) == (two["webhook-id"], same)
        assert Verifier(row.secret).verify(same, two)
        assert Delivery.objects.filter(state="delivered").count() == 2

    def test_what_is_being_sent_is_not_sent_again(self, owner):
        hook(owner)
        noted(owner)
        with pytest.raises(endpoints.WrongState):
            dispatch.resend(delivery=Delivery.objects.get())

    @pytest.mark.django_db(transaction=True)
    def test_two_schedulers_at_once_send_each_message_once(self, owner, receiver, monkeypatch):
        monkeypatch.setattr(dispatch, "BATCH", 3)
        hook(owner, receiver.url)
        for number in range(12):
            noted(owner, str(number))

        def one(_):
            try:
                return dispatch.dispatch()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            sent = sum(pool.map(one, range(4))) + dispatch.dispatch()
        assert sent == Task.objects.filter(name="tasks.deliver_webhook").count() == 12
        deliver()
        assert len({headers["webhook-id"] for _, headers, _ in receiver.received}) == len(receiver.received) == 12

    @pytest.mark.django_db(transaction=True)
    def test_a_worker_and_a_scheduler_deliver_by_themselves(self, owner, receiver, processes):
        hook(owner, receiver.url)
        processes.worker()
        processes.scheduler()
        garden.note.using(requested_by_id=owner.pk).enqueue(name="all by themselves")
        eventually(lambda: receiver.received, log=processes.log)
        eventually(lambda: Delivery.objects.filter(state="delivered").exists(), log=processes.log)
        assert receiver.messages[0]["data"]["result"] == {"noted": "all by themselves"}
        assert "k3y" not in processes.log.read_text() and "whsec_" not in processes.log.read_text()


def test_no_secret_and_no_url_reaches_the_trail(owner):
    row = hook(owner, "http://127.0.0.1:1/hook?key=k3y", description="k3y")
    endpoints.change(webhook=row, url="http://127.0.0.1:2/k3y", description="k3y too")
    secrets = [row.secret, endpoints.rotate_secret(webhook=row).secret]
    endpoints.disable(webhook=row, reason="x")
    endpoints.delete(webhook=row)
    kept = [str(entry.metadata) for entry in Entry.objects.filter(entity_type="webhook")]
    assert len(kept) == 5
    assert not [text for text in kept for secret in ("k3y", "whsec_", *secrets) if secret in text]
    row.refresh_from_db()
    assert row.secret == row.previous_secret == ""


def test_old_deliveries_are_forgotten(owner, receiver):
    hook(owner, receiver.url)
    noted(owner)
    delivery = deliver()
    dispatch.clean()
    assert Delivery.objects.count() == 1
    Delivery.objects.filter(pk=delivery.pk).update(ended_at=timezone.now() - timedelta(days=31))
    dispatch.clean()
    assert not Delivery.objects.exists()
