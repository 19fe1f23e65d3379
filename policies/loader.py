"""Store policyholders with their quotes, policies and payments by COPY. Loading them again changes nothing."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from accounts.models import User
from base.roles import Role
from policies.models import PaymentTransaction, Policy, Quote
from policies.services import TERM
from policies.synthetic import Policyholder

BATCH = 2_000
LOCK = 0x706F6C69  # one loader at a time; a second one waits and finds the first one's rows


@dataclass(slots=True)
class Stored:
    """Rows that are new. `seen`: policyholders that were handed in."""

    seen: int = 0
    users: int = 0
    quotes: int = 0
    policies: int = 0
    payments: int = 0

    @property
    def rows(self) -> int:
        return self.users + self.quotes + self.policies + self.payments

    def add(self, other: Stored) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def store(holders: Iterable[Policyholder]) -> Iterator[Stored]:
    """One transaction for each batch, of a user and all their rows: who is there is there whole, and is left alone."""
    iterator = iter(holders)
    while batch := list(islice(iterator, BATCH)):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            stored = _store_batch(cursor, batch)
        yield stored


def username(holder: Policyholder) -> str:
    return holder.name.replace(":", "-")


def _store_batch(cursor: Any, batch: list[Policyholder]) -> Stored:
    names = {username(holder): holder for holder in batch}
    known = set(User.objects.filter(username__in=names).values_list("username", flat=True))
    new = [name for name in names if name not in known]
    users = list(zip(_new_ids(cursor, User, len(new)), new, strict=True))
    quoted = [(user_id, quote) for user_id, name in users for quote in names[name].quotes]
    quotes = list(zip(_new_ids(cursor, Quote, len(quoted)), quoted, strict=True))
    bound = [(pk, user_id, quote, quote.bound_at.date()) for pk, (user_id, quote) in quotes if quote.bound_at]
    policies = list(zip(_new_ids(cursor, Policy, len(bound)), bound, strict=True))
    paid = [(policy_id, payment) for policy_id, (_, _, quote, _) in policies for payment in quote.payments]
    # One unusable password for all: hashing one for each of thousands of users takes minutes.
    blank = User(password=make_password(None), role=Role.CLIENT)
    common = {field.attname: getattr(blank, field.attname) for field in User._meta.concrete_fields}
    _copy(cursor, User, list(common), (
        (common | {"id": pk, "username": name}).values() for pk, name in users
    ))  # fmt: skip
    _copy(cursor, Quote, QUOTE, (
        (pk, q.external_id, user_id, q.product, q.premium_usd, q.instalments, q.created_at, q.recorded_at, q.bound_at,
         q.binding_recorded_at)
        for pk, (user_id, q) in quotes
    ))  # fmt: skip
    _copy(cursor, Policy, POLICY, (
        (pk, q.external_id, quote_id, user_id, first_day, first_day + TERM, q.binding_recorded_at)
        for pk, (quote_id, user_id, q, first_day) in policies
    ))  # fmt: skip
    _copy(cursor, PaymentTransaction, PAYMENT, (
        (p.external_id, policy_id, p.payment_type, p.amount_usd, p.status, p.failure_reason, p.attempted_at,
         p.recorded_at)
        for policy_id, p in paid
    ))  # fmt: skip
    return Stored(len(batch), len(users), len(quotes), len(policies), len(paid))


QUOTE = ["id", "external_id", "user_id", "product", "premium_usd", "instalments", "created_at", "recorded_at",
         "bound_at", "binding_recorded_at"]  # fmt: skip
POLICY = ["id", "external_id", "quote_id", "user_id", "starts_date", "ends_date", "recorded_at"]
PAYMENT = ["external_id", "policy_id", "payment_type", "amount_usd", "status", "failure_reason", "attempted_at",
           "recorded_at"]  # fmt: skip


def _new_ids(cursor: Any, model: Any, count: int) -> list[int]:
    """Numbers of the table's own sequence, in order."""
    cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [model._meta.db_table])
    [sequence] = cursor.fetchone()
    cursor.execute("SELECT nextval(%s) FROM generate_series(1, %s)", [sequence, count])
    return [row[0] for row in cursor.fetchall()]


def _copy(cursor: Any, model: Any, columns: list[str], rows: Iterable[Iterable]) -> None:
    """Rows as tab-separated text; nothing the generator makes needs escaping, and an empty text is not NULL."""
    lines = ("\t".join("\\N" if value is None else str(value) for value in row) + "\n" for row in rows)
    cursor.copy_expert(f"COPY {model._meta.db_table} ({', '.join(columns)}) FROM STDIN", io.StringIO("".join(lines)))
