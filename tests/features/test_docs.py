"""The examples of docs/serving.md are sent as they stand and answered as the page says."""

import json
import re
import shlex
from pathlib import Path

import pytest
from django.urls import reverse

from tests import makers

pytestmark = pytest.mark.django_db
PAGE = (Path(__file__).parents[2] / "docs/serving.md").read_text()
BLOCKS = re.findall(r"```(bash|json|python)\n(.*?)```", PAGE, re.S)
CHANGING = {"computed_at", "as_of", "age_s"}


def send(client, command):
    """Do what curl would do."""
    words = shlex.split(command.replace("\\\n", " ").replace("$MILLRACE", "").replace("$KEY", "key"))
    options = dict(zip(words, words[1:], strict=False))
    [path] = [word for word in words if word.startswith("/api/v1/")]
    kind = re.search(r"Content-Type: ([^\"]+)", command)
    if "-d" not in options:
        return client.get(path)
    assert options["-X"] == "POST" and json.loads(options["-d"])
    return client.post(path, options["-d"], content_type=kind[1])


def settled(value, name=""):
    """The answer with what differs each time replaced by whether it is there."""
    if name in CHANGING:
        return value is not None
    if isinstance(value, dict):
        return {key: settled(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [settled(item) for item in value]
    return "a time" if isinstance(value, str) and re.match(r"20\d\d-\d\d-\d\dT", value) else value


def test_the_examples_are_answered_as_the_page_says(redis):
    client, answer, compared = makers.client(makers.user("service")), None, 0
    for language, text in BLOCKS:
        if language == "bash":
            answer = send(client, text)
            assert answer.status_code in (200, 202), (text, answer.json())
        elif language == "json":
            assert settled(answer.json()) == settled(json.loads(text)), text
            assert list(answer.json()) == list(json.loads(text))
            compared += 1
        else:
            exec(text, {})
    assert compared == 3
    [shown] = client.get("/api/v1/features/discovery?tag=scorecard&q=balance+after+the+last").json()
    assert shown["feature_type"] == "balance_last"
    assert reverse("get-online-features") in PAGE
