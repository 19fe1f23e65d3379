"""The whole product as a database role that owns nothing: log in, ask for a loan, work behind it, a sealed trail."""

from django.core.management import call_command

from audit.models import Entry, Seal
from tests.audit.test_privileges import role  # noqa: F401 - the fixture
from tests.processes import eventually


def test_everything_works_without_owning_anything(site, role, tmp_path):  # noqa: F811
    heads = tmp_path / "heads.jsonl"
    as_application = {"DATABASE_URL": role[1], "MILLRACE_DATA": str(site.folder), "AUDIT_HEADS": str(heads)}
    site.serve(**as_application)
    site.processes.worker(**as_application)
    site.processes.scheduler(**as_application)
    token = site.log_in("+12025550123")["access_token"]
    asked = site.call("POST", "loans/request", token=token, json={"requested_amount": 24000, "purpose": "car"})
    assert asked.status_code == 201 and asked.json()["background_task_queued"] is True
    assert site.follow(asked.json()["task_id"], token)["status"] == "completed"
    auditor = site.api_key("auditor")
    eventually(lambda: not Entry.objects.filter(seal=None).exists(), log=site.processes.log)
    export = site.call("POST", "audit/exports", token=auditor, json={"format": "ndjson"}).json()
    assert site.follow(export["task_id"], auditor)["status"] == "completed"
    eventually(heads.exists, within_s=90, log=site.processes.log)
    call_command("verify_audit", "--heads", str(heads))
    assert Seal.objects.exists() and "permission denied" not in site.processes.log.read_text()
