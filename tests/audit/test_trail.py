"""The trail cannot be changed, and a change by force is named."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from audit import chain, services
from audit.models import Entry, Seal
from audit.redaction import REDACTED, redacted
from audit.verification import Verification
from tests.audit.conftest import write


@pytest.mark.django_db
def test_an_entry_knows_who_and_from_where():
    [entry] = write(1)
    entry.refresh_from_db()
    assert (entry.actor, entry.ip, entry.user_agent, entry.correlation_id) == (
        "user:7",
        "192.0.2.1",
        "tests",
        "c" * 32,
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", ["audit_entry", "audit_seal"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_database_refuses_every_change(table, change):
    write(2)
    services.seal()
    column = {"audit_entry": "action = 'x'", "audit_seal": "hash = 'x'"}[table]
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change.format(table, column))
    assert Entry.objects.count() == 2


@pytest.mark.django_db
def test_sealing_chains_every_entry_once(capsys):
    write(5)
    assert services.seal(limit=3) == 3
    assert services.seal() == 2
    assert services.seal() == 0
    assert list(Seal.objects.order_by("sequence").values_list("sequence", flat=True)) == [1, 2, 3, 4, 5]
    call_command("verify_audit")
    assert capsys.readouterr().out.startswith("ok: 5 entries")


@pytest.mark.django_db
def test_an_entry_that_commits_very_late_is_sealed_by_the_look_everywhere(monkeypatch):
    monkeypatch.setattr(services, "LATE", 2)
    early, *rest = write(6)
    after = [one.pk for one in rest]
    monkeypatch.setattr(chain, "unsealed", lambda since: iter(after))  # it was not committed yet
    assert services.seal() == 5
    monkeypatch.undo()
    monkeypatch.setattr(services, "LATE", 2)
    assert services.seal() == 0
    assert services.seal_late() == 1
    assert Seal.objects.get(sequence=6).entry_id == early.pk
    assert not list(Verification(None).faults())


def test_two_sealers_at_once_make_one_chain(transactional_db):
    write(300)

    def seal(_):
        try:
            return services.seal(limit=40)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(seal, range(40)))
    services.seal()
    assert Seal.objects.count() == 300 and not list(Verification(None).faults())


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("UPDATE audit_entry SET metadata = '{}' WHERE id = %s", "edited"),
        ("UPDATE audit_entry SET actor = 'nobody' WHERE id = %s", "edited"),
        ("DELETE FROM audit_seal WHERE entry_id = %s", "removed"),
    ],
)
def test_a_change_by_force_is_named(by_force, capsys, sql, named):
    entries = write(5)
    services.seal()
    by_force(sql % entries[2].pk)
    with pytest.raises(CommandError):
        call_command("verify_audit")
    assert "#3" in (told := capsys.readouterr().err) and named in told


def test_a_cut_end_is_seen_against_a_head_kept_elsewhere(by_force):
    write(5)
    services.seal()
    head = Seal.objects.get(sequence=5).hash
    by_force("DELETE FROM audit_seal WHERE sequence = 5")
    with pytest.raises(CommandError):
        call_command("verify_audit", "--head", head)


def test_an_entry_left_unsealed_too_long_is_an_alarm(by_force, capsys):
    [entry] = write(1)
    by_force(f"UPDATE audit_entry SET at = now() - interval '1 hour' WHERE id = {entry.pk}")
    with pytest.raises(CommandError):
        call_command("verify_audit")
    assert "not sealed" in capsys.readouterr().err


def test_secrets_do_not_get_into_the_trail():
    given = {
        "password": "hunter2", "nested": [{"access_token": "x", "otpCode": 123456, "X-Api-Key": "k"}], "code": "123456",
        "reasons": [{"code": "R01", "text": "too new"}], "password_changed": True, "token": None, "tokens": 3,
    }  # fmt: skip
    assert redacted(given) == {
        "password": REDACTED, "nested": [{"access_token": REDACTED, "otpCode": REDACTED, "X-Api-Key": REDACTED}],
        "code": REDACTED, "reasons": [{"code": "R01", "text": "too new"}], "password_changed": True, "token": None,
        "tokens": 3,
    }  # fmt: skip


@pytest.mark.django_db
def test_an_entry_is_written_without_the_secret_it_was_given():
    services.log_audit_event("tested", "thing", 1, {"authorization": "Bearer x", "kept": 1})
    assert Entry.objects.get().metadata == {"authorization": REDACTED, "kept": 1}
