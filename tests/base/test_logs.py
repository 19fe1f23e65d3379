"""A log line is one JSON object that says whose work it belongs to."""

import json
import logging

from base.context import acting


def lines(capsys):
    """What the JSON handler of the settings writes for two calls."""
    from django.conf import settings

    from config.logs import configure

    configure(settings.LOGGING)
    with acting(correlation_id="c0ffee", actor="user:7"):
        logging.getLogger("millrace.test").warning("two\nlines %s", "here", extra={"task": "a.b"})
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_one_line_with_correlation_id_actor_and_extras(capsys):
    [line] = lines(capsys)
    assert line["event"] == "two\nlines here"
    assert (line["correlation_id"], line["actor"], line["task"], line["level"]) == (
        "c0ffee",
        "user:7",
        "a.b",
        "warning",
    )
