"""Webhooks over HTTP and in the console: made, changed, tried out; and nobody else's."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from standardwebhooks import Webhook as Verifier

from audit.models import Entry
from tasks.execution import run_task
from tasks.models import Delivery, Webhook
from tasks.webhooks import dispatch, endpoints
from tests import makers
from tests.console.conftest import staff, told  # noqa: F401 - the fixture
from tests.garden import tasks as garden
from tests.tasks.receiver import receiving

pytestmark = pytest.mark.django_db
PATH = "/api/v1/webhooks/"
URL = "https://93.184.215.14/hook"


@pytest.fixture(autouse=True)
def _queues(redis):
    """Every test here rings bells that nobody hears."""


@pytest.fixture
def receiver():
    with receiving() as one:
        yield one


@pytest.fixture
def owner():
    return makers.user()


@pytest.fixture
def mine(owner):
    return makers.client(owner)


def made(client, url=URL, **fields) -> dict:
    answer = client.post(PATH, {"url": url, **fields}, format="json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_the_secret_is_shown_when_it_is_made_and_never_again(mine):
    answer = mine.post(PATH, {"url": URL, "description": "ours"}, format="json")
    body = answer.json()
    assert answer.status_code == 201 and body["secret"].startswith("whsec_") and answer["Cache-Control"] == "no-store"
    assert (body["states"], body["task_names"], body["standing"], body["enabled"], body["sees_all"]) == (
        ["cancelled", "completed", "failed"], [], True, True, False,
    )  # fmt: skip
    one = mine.get(answer["Location"])
    assert one.json() == {key: value for key, value in body.items() if key != "secret"}
    assert mine.get(PATH).json()["results"] == [one.json()]
    assert mine.post(f"{answer['Location']}/test").status_code == 202
    for path in (PATH, answer["Location"], f"{answer['Location']}/deliveries/"):
        assert "whsec_" not in mine.get(path).content.decode()


@pytest.mark.parametrize(
    ("body", "pointer", "sentence"),
    [
        ({}, "#/url", "required"),
        ({"url": URL, "secret": "whsec_mine"}, "#/secret", "not known"),
        ({"url": URL, "sees_all": True}, "#/sees_all", "not known"),
        ({"url": "http://93.184.215.14/"}, "#/url", "https://"),
        ({"url": "https://user@93.184.215.14/"}, "#/url", "user name"),
        ({"url": "https://93.184.215.14:22/"}, "#/url", "port"),
        ({"url": "https://127.1/"}, "#/url", "not public"),
        ({"url": "https://169.254.169.254/latest"}, "#/url", "not public"),
        ({"url": "https://nowhere.invalid/"}, "#/url", "could not be resolved"),
        ({"url": "https://example.com/" + "x" * 500}, "#/url", "500"),
        ({"url": URL, "states": []}, "#/states", ""),
        ({"url": URL, "states": ["pending"]}, "#/states/0", "not a valid choice"),
        ({"url": URL, "task_names": ["garden.nothing"]}, "#/task_names", "No task is named garden.nothing."),
    ],
)
def test_what_is_not_valid_is_answered_with_a_problem(mine, settings, body, pointer, sentence):
    settings.WEBHOOK_ALLOW_INSECURE = False
    answer = mine.post(PATH, body, format="json")
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    [error] = answer.json()["errors"]
    assert error["pointer"].startswith(pointer) and sentence in error["detail"]
    assert not Webhook.objects.exists()


def test_it_can_be_changed_disabled_enabled_and_taken_away(mine):
    path = PATH + made(mine)["webhook_id"]
    change = {"url": URL + "/2", "states": ["failed", "failed"], "task_names": ["garden.note"], "standing": False}
    body = mine.patch(path, change, format="json").json()
    assert {key: body[key] for key in change} == change | {"states": ["failed"]}
    assert mine.patch(path, {"enabled": False}, format="json").json()["enabled"] is False
    assert mine.post(f"{path}/test").status_code == 409
    assert mine.patch(path, {"enabled": True}, format="json").json()["disabled_reason"] == ""
    assert mine.patch(path, {"owner": 1}, format="json").status_code == 400
    assert mine.delete(path).status_code == 204
    assert mine.get(path).status_code == mine.delete(path).status_code == 404
    actions = list(Entry.objects.filter(entity_type="webhook").order_by("id").values_list("action", flat=True))
    assert actions == [
        "webhook_created", "webhook_changed", "webhook_disabled", "webhook_enabled", "webhook_deleted",
    ]  # fmt: skip


def test_what_an_operator_disabled_its_owner_cannot_enable(mine):
    path = PATH + made(mine)["webhook_id"]
    operator = makers.client(makers.user("operator"))
    assert operator.patch(path, {"enabled": False}, format="json").status_code == 200
    assert mine.patch(path, {"enabled": True}, format="json").status_code == 409
    assert operator.patch(path, {"enabled": True}, format="json").json()["enabled"] is True


def test_another_ones_webhook_looks_like_none(mine, owner):
    body = made(mine)
    delivery = mine.post(f"{PATH}{body['webhook_id']}/test").json()["delivery_id"]
    other, operator = makers.client(makers.user("auditor")), makers.client(makers.user("operator"))
    path, none = PATH + body["webhook_id"], f"{PATH}{uuid.uuid4()}"
    calls = [
        ("get", ""), ("patch", ""), ("delete", ""), ("post", "/rotate-secret"), ("post", "/test"),
        ("get", "/deliveries/"), ("post", f"/deliveries/{delivery}/resend"),
    ]  # fmt: skip
    for method, rest in calls:
        answers = [getattr(other, method)(base + rest, format="json") for base in (path, none)]
        bodies = [{k: v for k, v in answer.json().items() if k != "instance"} for answer in answers]
        assert [answer.status_code for answer in answers] == [404, 404] and bodies[0] == bodies[1]
    assert other.get(PATH).json()["results"] == [] and len(operator.get(PATH).json()["results"]) == 1
    assert operator.get(path).status_code == 200
    elsewhere = made(mine)["webhook_id"]
    assert mine.post(f"{PATH}{elsewhere}/deliveries/{delivery}/resend").status_code == 404


def test_rotating_shows_the_new_secret_and_says_how_long_the_old_one_signs(mine):
    body = made(mine)
    answer = mine.post(f"{PATH}{body['webhook_id']}/rotate-secret")
    assert answer.json()["secret"] not in ("", body["secret"]) and answer.json()["previous_until"]
    assert answer["Cache-Control"] == "no-store"


def test_a_test_and_a_resend_are_seen_in_the_deliveries(mine, receiver):
    body = made(mine, receiver.url)
    path = f"{PATH}{body['webhook_id']}"
    answer = mine.post(f"{path}/test")
    assert answer.status_code == 202
    task = mine.get(answer["Location"]).json()
    assert task["name"] == "tasks.deliver_webhook"
    assert mine.post(f"{path}/deliveries/{answer.json()['delivery_id']}/resend").status_code == 409
    run_task(task["task_id"])
    again = mine.post(f"{path}/deliveries/{answer.json()['delivery_id']}/resend")
    assert again.status_code == 202 and again.json()["message_id"] == answer.json()["message_id"]
    page = mine.get(f"{path}/deliveries/?limit=1").json()
    assert [one["delivery_id"] for one in page["results"]] == [again.json()["delivery_id"]]
    [first] = mine.get(page["next"]).json()["results"]
    assert (first["event"], first["state"], first["attempts"][0]["status"]) == ("webhook.test", "delivered", 200)
    assert Verifier(body["secret"]).verify(receiver.received[0][2], receiver.received[0][1])["type"] == "webhook.test"
    assert mine.get(f"{path}/deliveries/?state=failed").status_code == 400


def test_one_owner_has_at_most_twenty(mine, owner):
    for _ in range(endpoints.MOST_PER_OWNER - 1):
        endpoints.create(owner=owner, url=URL, states=["failed"])
    last = made(mine)
    assert mine.post(PATH, {"url": URL}, format="json").status_code == 409
    mine.delete(PATH + last["webhook_id"])
    assert mine.post(PATH, {"url": URL}, format="json").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_at_most_twenty_even_when_made_at_once(owner):
    for _ in range(endpoints.MOST_PER_OWNER - 2):
        endpoints.create(owner=owner, url=URL, states=["failed"])

    def one(_):
        try:
            return endpoints.create(owner=owner, url=URL, states=["failed"])
        except endpoints.TooMany:
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert len([row for row in pool.map(one, range(6)) if row]) == 2


class TestConsole:
    def page(self, row) -> str:
        return f"/admin/tasks/{row._meta.model_name}/{row.pk}/"

    def delivered(self, receiver) -> Delivery:
        row = endpoints.create(owner=makers.user("operator"), url=receiver.url, states=["completed"])
        run_task(garden.note.enqueue(name="x").id)
        dispatch.dispatch()
        delivery = Delivery.objects.get(webhook=row)
        run_task(str(delivery.sender_id))
        return delivery

    def test_pages_show_what_was_sent_and_answered_but_no_secret(self, staff, receiver):  # noqa: F811
        operator, delivery = staff("operator"), self.delivered(receiver)
        lists = ["/admin/tasks/webhook/", "/admin/tasks/delivery/", f"/admin/tasks/delivery/?q={delivery.task_id}"]
        shown = {path: operator.get(path, follow=True).content.decode() for path in (
            *lists, self.page(delivery.webhook) + "change/", self.page(delivery) + "change/")}  # fmt: skip
        for text in shown.values():
            assert "127.0.0.1" in text and "whsec_" not in text and "k3y" not in text
            assert delivery.webhook.secret not in text
        assert "thanks" in shown[self.page(delivery) + "change/"]
        assert "task.completed" in shown[self.page(delivery.webhook) + "change/"]
        assert delivery.message_id in shown[lists[2]]
        assert staff("analyst").get(self.page(delivery.webhook) + "change/").status_code == 403

    def test_buttons_disable_enable_test_and_send_again_with_a_reason(self, staff, receiver):  # noqa: F811
        operator, delivery = staff("operator"), self.delivered(receiver)
        row = delivery.webhook

        def press(target, button) -> list[str]:
            return told(operator.post(f"{self.page(target)}{button}/", {"reason": "because"}, follow=True))

        assert press(delivery, "resend") == ["The message is sent again."]
        assert press(row, "test") == ["A test message is on its way."]
        press(row, "disable")
        assert Webhook.objects.get().disabled_by == operator.person
        assert press(row, "test") == press(delivery, "resend") == ["The webhook is disabled."]
        press(row, "enable")
        assert Webhook.objects.get().disabled_at is None
        entries = Entry.objects.filter(metadata__reason="because").order_by("id").values_list("action", flat=True)
        assert list(entries) == ["webhook_resent", "webhook_tested", "webhook_disabled", "webhook_enabled"]
        assert staff("analyst").post(f"{self.page(row)}disable/", {}).status_code == 403
