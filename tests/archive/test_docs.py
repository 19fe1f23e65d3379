"""The page about the trail is right: its program verifies an export, and its kinds are those that are told."""

import re

import pytest

from archive import services
from audit.services import log_audit_event
from tasks.execution import run_task
from tests.processes import ROOT

PAGE = (ROOT / "docs/audit.md").read_text()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", [("", ""), ("door_opened", "door_closed")])
def test_the_readers_program_verifies_an_export(folder, tmp_path, change):
    for number in range(3):
        log_audit_event("door_opened", "door", number, {"text": "ž", "n": 1.50})
    export = services.request_export(filters={}, format="ndjson")
    run_task(str(export.task_id))
    export.refresh_from_db()
    text = services.file_of(export).read_text().replace(*change) if change[0] else services.file_of(export).read_text()
    (tmp_path / "audit.ndjson").write_text(text)
    [program] = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    program = program.replace('"audit.ndjson"', repr(str(tmp_path / "audit.ndjson")))
    if change[0]:
        with pytest.raises(AssertionError):
            exec(program, {})
    else:
        exec(program, {})


def test_every_kind_of_fault_is_explained():
    source = (ROOT / "audit/verification.py").read_text()
    kinds = set(re.findall(r'Fault\(\s*"(\w+)"', source)) | set(re.findall(r'kind, reason = \("(\w+)"', source))
    assert len(kinds) >= 8 and not {kind for kind in kinds if f"`{kind}`" not in PAGE}
