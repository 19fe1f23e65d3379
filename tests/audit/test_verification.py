"""Whatever somebody with all rights does to the trail is named; heads outside the database tell what rows cannot."""

import json
from contextlib import contextmanager
from dataclasses import asdict
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit import heads, services
from audit.chain import GENESIS, entry_hash
from audit.headstore import store_at
from audit.models import Entry, Seal
from audit.verification import Verification
from tests.audit.conftest import write

pytestmark = pytest.mark.django_db(transaction=True)


def faults(place: str = "") -> list[tuple]:
    walk = Verification(store_at(place) if place else heads.kept())
    return [(fault.kind, fault.sequence, fault.until) for fault in walk.faults()]


def sealed(number: int, *, signed_every: int = 2) -> list[Entry]:
    """So many sealed entries, with a signed head after each few of them."""
    made = []
    for _ in range(number // signed_every):
        made += write(signed_every)
        services.seal()
        heads.sign()
    return made


def rebuild() -> list[str]:
    """Statements that chain all entries anew in the order of their ids, as a patient forger would."""
    statements, previous = ["DELETE FROM audit_seal"], GENESIS
    for sequence, entry in enumerate(Entry.objects.order_by("id"), 1):
        digest = entry_hash(sequence, previous, entry)
        statements.append(
            "INSERT INTO audit_seal (sequence, entry_id, previous_hash, hash) "
            f"VALUES ({sequence}, {entry.pk}, '{previous}', '{digest}')"
        )
        previous = digest
    return statements


def test_an_intact_trail_agrees_with_every_head(heads_file):
    sealed(6)
    walk = Verification(heads.kept())
    assert not list(walk.faults())
    assert (walk.sealed, walk.signed, walk.head) == (6, 3, Seal.objects.get(sequence=6).hash)


def test_a_chain_that_did_not_grow_is_not_signed_again(heads_file):
    sealed(2)
    assert heads.sign() is None and len(heads_file.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    "change",
    ["action = 'x'", "actor = 'x'", "at = at - interval '1 day'", "status = 'denied'", "ip = NULL", "entity_id = 'x'",
     "metadata = '{}'", "user_agent = 'x'", "correlation_id = ''", "entity_type = 'x'"],
)  # fmt: skip
def test_an_edited_entry_is_named_whatever_was_edited(heads_file, by_force, change):
    made = sealed(6)
    by_force(f"UPDATE audit_entry SET {change} WHERE id = {made[2].pk}")
    assert faults() == [("edited", 3, None)]


def test_a_removed_entry_is_named(heads_file, by_force):
    made = sealed(6)
    by_force(f"DELETE FROM audit_seal WHERE sequence = 3; DELETE FROM audit_entry WHERE id = {made[2].pk}")
    assert faults() == [("removed", 3, 3)]


@contextmanager
def without_constraint(by_force, name: str):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid = 'audit_seal'::regclass AND contype = %s AND 'entry_id' = ANY "
            "(SELECT attname FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey))",
            [name],
        )
        [(constraint, definition)] = cursor.fetchall()
    by_force(f"ALTER TABLE audit_seal DROP CONSTRAINT {constraint}")
    yield
    by_force(f"ALTER TABLE audit_seal ADD CONSTRAINT {constraint} {definition} {'NOT VALID' if name == 'f' else ''}")


def test_a_removed_entry_whose_seal_stays_is_named(heads_file, by_force):
    made = sealed(6)
    with without_constraint(by_force, "f"):
        by_force(f"DELETE FROM audit_entry WHERE id = {made[2].pk}")
    assert faults() == [("removed", 3, None)]


@pytest.mark.parametrize(
    "swap",
    [
        "UPDATE audit_seal SET sequence = CASE sequence WHEN 3 THEN -4 ELSE -3 END WHERE sequence IN (3, 4);"
        "UPDATE audit_seal SET sequence = -sequence WHERE sequence < 0",
        "UPDATE audit_seal SET entry_id = (SELECT sum(entry_id) FROM audit_seal WHERE sequence IN (3, 4)) - entry_id"
        " WHERE sequence IN (3, 4)",
    ],
)
def test_re_ordered_entries_are_named(heads_file, by_force, swap):
    sealed(6)
    with without_constraint(by_force, "u"):
        by_force(swap)
    told = faults()
    assert ("reordered", 3, None) in told and ("reordered", 4, None) in told
    assert not [fault for fault in told if fault[0] == "edited"]


def test_an_inserted_entry_is_found_even_when_all_seals_were_made_anew(heads_file, by_force):
    made = sealed(6)
    by_force(f"DELETE FROM audit_seal; DELETE FROM audit_entry WHERE id = {made[3].pk}")
    by_force(
        "INSERT INTO audit_entry (id, action, entity_type, entity_id, actor, status, user_agent, correlation_id, "
        f"metadata) VALUES ({made[3].pk}, 'forged', 'thing', 'x', 'user:1', 'success', '', '', '{{}}')",
    )
    by_force(*rebuild())
    assert not list(Verification(None).faults()), "the chain alone is in order"
    assert faults() == [("rebuilt", 3, 4)], "between the last head that agrees and the first that does not"


def test_a_cut_end_is_found_with_all_that_was_sealed_there(heads_file, by_force):
    made = sealed(6)
    by_force(f"DELETE FROM audit_seal WHERE sequence > 3; DELETE FROM audit_entry WHERE id > {made[2].pk}")
    assert not list(Verification(None).faults())
    assert faults() == [("cut", 4, 6)]


def test_a_cut_end_that_grew_again_is_found(heads_file, by_force):
    made = sealed(6)
    by_force(f"DELETE FROM audit_seal WHERE sequence > 3; DELETE FROM audit_entry WHERE id > {made[2].pk}")
    write(5)
    services.seal()
    assert faults() == [("rebuilt", 3, 4)]


def test_an_entry_slipped_in_without_a_seal_is_named(heads_file, by_force):
    sealed(2)
    [entry] = write(1)
    by_force(f"UPDATE audit_entry SET at = now() - interval '1 hour' WHERE id = {entry.pk}")
    [fault] = Verification(heads.kept()).faults()
    assert (fault.kind, fault.entry_id) == ("unsealed", entry.pk)


def rewrite(file, change) -> None:
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(line) + "\n" for line in change(lines)))


@pytest.mark.parametrize(
    "change", [{"sequence": 3}, {"hash": "0" * 64}, {"signed_at": "2020"}, {"signature": "0" * 64}]
)
def test_an_edited_head_is_named(heads_file, change):
    sealed(6)
    rewrite(heads_file, lambda lines: [lines[0], lines[1] | change, lines[2]])
    assert faults() == [("forged_head", 2, 2)]


def test_a_head_without_the_key_is_forged(heads_file, settings):
    sealed(4)
    settings.AUDIT_KEY = "another key that nobody gave us!"
    write(1)
    services.seal()
    heads.sign()
    settings.AUDIT_KEY = "k" * 32
    assert faults() == [("forged_head", 3, 3)]


@pytest.mark.parametrize("line", ["", "no json", "[]", '{"sequence": "1"}', '{"hash": "é"}', "é" * 10])
def test_a_damaged_line_is_named(heads_file, line):
    sealed(4)
    good = heads_file.read_text().splitlines()
    heads_file.write_text("\n".join([good[0], line, good[1]]) + "\n")
    assert ("forged_head", 2, 2) in faults()


def test_a_head_taken_out_of_the_middle_is_missed(heads_file):
    sealed(6)
    rewrite(heads_file, lambda lines: [lines[0], lines[2]])
    assert faults() == [("forged_head", 2, 2)]


def test_the_first_heads_are_missed(heads_file):
    sealed(6)
    rewrite(heads_file, lambda lines: lines[1:])
    assert faults() == [("forged_head", 1, 1)]


def test_heads_in_another_order_are_named(heads_file):
    sealed(6)
    rewrite(heads_file, lambda lines: [lines[0], lines[2], lines[1]])
    assert ("forged_head", 2, 3) in faults()


def test_what_contradicts_the_last_head_is_not_signed(heads_file, by_force):
    sealed(4)
    by_force(f"UPDATE audit_seal SET hash = '{'0' * 64}' WHERE sequence = 4")
    write(1)
    services.seal()
    with pytest.raises(heads.Contradiction):
        heads.sign()
    assert len(heads_file.read_text().splitlines()) == 2


def test_a_line_broken_off_by_a_crash_costs_that_line_alone(heads_file):
    sealed(2)
    with heads_file.open("a") as file:
        file.write('{"sequence": 3, "ha')
    sealed(2)
    assert faults() == [("forged_head", 2, 2)]


def test_heads_may_be_objects_anywhere(settings):
    settings.AUDIT_HEADS = "memory://trail/heads"
    sealed(6)
    assert faults() == [] and len(list(heads.kept().lines())) == 3
    settings.AUDIT_HEADS = ""


def ask(*arguments: str) -> tuple[int, dict]:
    out, code = StringIO(), 0
    try:
        call_command("verify_audit", *arguments, "--json", stdout=out)
    except CommandError as error:
        code = error.returncode
    return code, json.loads(out.getvalue())


def test_the_command_tells_by_its_exit_code(heads_file, by_force):
    made = sealed(4)
    assert ask() == (0, {"ok": True, "sealed": 4, "head": Seal.objects.get(sequence=4).hash, "heads_kept": True,
                         "signed_heads": 2, "counts": {}, "faults": []})  # fmt: skip
    code, told = ask("--heads", str(heads_file.with_name("nowhere")))
    assert (code, told["counts"], told["signed_heads"]) == (2, {"missing_heads": 1}, 0)
    by_force(f"UPDATE audit_entry SET actor = 'x' WHERE id = {made[0].pk}")
    code, told = ask()
    assert code == 1 and told["faults"][0] == {
        "kind": "edited", "reason": "the entry was edited", "sequence": 1, "until": None, "entry_id": made[0].pk
    }  # fmt: skip


def test_the_command_says_that_no_heads_are_kept(settings, capsys):
    sealed(2)
    call_command("verify_audit")
    told = capsys.readouterr()
    assert told.out.startswith("ok: 2 entries") and "AUDIT_HEADS names no place" in told.err


def test_a_head_says_only_what_it_signs(heads_file):
    sealed(2)
    head = heads.read(heads_file.read_text().strip())
    assert set(asdict(head)) == {"sequence", "hash", "signed_at", "previous", "signature"}
    assert oct(heads_file.stat().st_mode)[-3:] == "600"


def test_a_million_faults_are_a_few_lines(heads_file, by_force):
    """What goes wrong in a row is told as a range."""
    sealed(8)
    by_force("DELETE FROM audit_seal WHERE sequence BETWEEN 2 AND 6")
    rewrite(heads_file, lambda lines: [line | {"hash": "0" * 64} for line in lines])
    assert faults() == [
        ("removed", 2, 6), ("forged_head", 1, 4), ("missing_heads", None, None)
    ]  # fmt: skip
