"""The examples of docs/events.md are sent as they stand and answered as the page says."""

import json
import re
import shlex

import pytest

from features.models import RawEvent
from tests import makers
from tests.processes import ROOT

pytestmark = pytest.mark.django_db
PAGE = (ROOT / "docs/events.md").read_text()
SINGLE, BINARY, BATCH = re.findall(r"```bash\n(.*?)```", PAGE, re.S)
[ANSWER] = re.findall(r"```json\n(.*?)```", PAGE, re.S)


def send(client, command, **changes):
    """Do what curl would do; `changes` replace text of the command."""
    for old, new in changes.items():
        command = command.replace(old, new)
    words = shlex.split(command.replace("\\\n", " "))
    headers = dict(word.split(": ", 1) for option, word in zip(words, words[1:], strict=False) if option == "-H")
    del headers["Authorization"]
    kind = headers.pop("Content-Type")
    return client.post("/api/v1/events/", words[words.index("-d") + 1], content_type=kind, headers=headers)


@pytest.fixture
def client(redis):
    return makers.client(makers.user("service"))


def test_the_examples_are_answered_as_the_page_says(client):
    assert [send(client, one).status_code for one in (SINGLE, BINARY)] == [202, 202]
    answer = send(client, BATCH)
    assert answer.status_code == 202
    told = json.loads(ANSWER)
    assert {name: answer.json()[name] for name in told} == told
    assert sorted(RawEvent.objects.values_list("source_id", flat=True)) == ["1", "2", "4"]


def test_a_bad_event_alone_is_a_400_and_a_batch_of_them_a_422(client):
    assert send(client, SINGLE, litres="liters").status_code == 400
    assert send(client, "-d " + shlex.quote("[{}]") + ' -H "Content-Type: application/cloudevents-batch+json" -H '
                '"Authorization: x"').status_code == 422  # fmt: skip


def test_a_misspelt_optional_key_is_kept(client):
    assert send(client, SINGLE, **{'"7.5"': '"7.5", "moistur": 3'}).status_code == 202
    assert RawEvent.objects.get().payload == {"litres": "7.5", "moistur": 3}


def test_a_time_too_far_ahead_and_an_unknown_type_are_told_in_whole_sentences(client):
    late = send(client, SINGLE, **{"2026-01-15T": "2100-01-15T"}).json()["errors"]
    assert [error["detail"] for error in late] == ["Must lie between the year 2000 and five minutes from now."]
    unknown = send(client, SINGLE, **{"garden.watered": "garden.burned"}).json()["errors"]
    assert [error["detail"] for error in unknown] == ["type is unknown: no event is called 'garden.burned'."]
