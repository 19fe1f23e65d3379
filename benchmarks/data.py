"""Data for measuring. All of it is synthetic, and every raw event says so in its source."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db import connection
from django.utils import timezone

from accounts import tokens
from accounts.models import Session, User
from base.roles import Role
from benchmarks.workload.events import holder
from features.values import counts
from features.values.extraction import extract
from features.values.materialize import Refreshed
from loans import loader, synthetic
from loans.models import Borrower

MODELS = 100  # borrowers of the generator, with real movements; all others get a copy of one's features
DAYS_KNOWN = 240
PER_ENTITY = 50


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody logged in, with the address they come from."""

    user: User
    token: str
    address: str
    entity_id: str = ""


def clients(count: int) -> list[Client]:
    """Borrowers with features and a session each."""
    sample = synthetic.generate(now=timezone.now(), borrowers=MODELS)
    loader.store_borrowers(sample.borrowers)
    list(loader.store_events(sample.events))
    loader.store_loans(sample.loans)
    extract_all(500)
    models = [str(borrower.id) for borrower in sample.borrowers]
    users = people(count, Role.CLIENT)
    since = timezone.now().date() - timedelta(days=DAYS_KNOWN)
    borrowers = Borrower.objects.bulk_create(Borrower(id=uuid.uuid4(), user=one, customer_since=since) for one in users)
    ids = [str(borrower.id) for borrower in borrowers]
    _copy_features(models, ids)
    return [Client(c.user, c.token, c.address, entity_id) for c, entity_id in zip(logged_in(users), ids, strict=True)]


def crowd(count: int) -> list[Client]:
    """Borrowers with fifty movements of their own, the features of these, and a session each."""
    events(count, per_entity=PER_ENTITY)
    with connection.cursor() as cursor:
        cursor.execute("SELECT md5('borrower ' || e)::uuid FROM generate_series(1, %s) e", [count])
        ids = [row[0] for row in cursor.fetchall()]
    users = people(count, Role.CLIENT)
    since = timezone.now().date() - timedelta(days=DAYS_KNOWN)
    Borrower.objects.bulk_create(
        Borrower(id=one, user=user, customer_since=since) for one, user in zip(ids, users, strict=True)
    )
    extract_all(1_000, everyone=True)
    analyze()
    return [Client(c.user, c.token, c.address, str(one)) for c, one in zip(logged_in(users), ids, strict=True)]


def people(count: int, role: Role) -> list[User]:
    locked = make_password(None)
    return User.objects.bulk_create(
        User(username=f"synthetic-{role}-{n}", password=locked, role=role) for n in range(count)
    )


def logged_in(users: Sequence[User]) -> list[Client]:
    ends = timezone.now() + timedelta(days=1)
    sessions = Session.objects.bulk_create(
        Session(id=uuid.uuid4(), user=user, expires_at=ends, refresh_jti=tokens.new_jti()) for user in users
    )
    return [
        Client(session.user, tokens.tokens_for(session).access_token, f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}")
        for n, session in enumerate(sessions)
    ]


def _copy_features(models: Sequence[str], ids: Sequence[str]) -> None:
    copied = [models[n % len(models)] for n in range(len(ids))]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO model_features (feature_set_id, entity_id, as_of, computed_at, source_rows, vals) "
            "SELECT v.feature_set_id, s.id, v.as_of, v.computed_at, v.source_rows, v.vals "
            "FROM unnest(%s::text[], %s::text[]) AS s(id, model) JOIN model_features v ON v.entity_id = s.model",
            [list(ids), copied],
        )
        cursor.execute(
            "INSERT INTO features_knownentity (entity_type, entity_id) SELECT 'borrower', unnest(%s::text[])",
            [list(ids)],
        )
    vacuum("model_features", "features_knownentity")


def extract_all(batch_size: int, *, everyone: bool = False, entity_type: str = "borrower") -> Refreshed:
    total = Refreshed()
    for done in extract(entity_type, batch_size=batch_size, max_batches=1_000_000, everyone=everyone):
        total.add(done)
    return total


EVENTS = """
INSERT INTO raw_events (source, source_id, entity_type, entity_id, event_type, event_time, value, payload)
SELECT 'synthetic', 'bench:' || e || ':' || n, %(entity_type)s, md5(%(entity_type)s || ' ' || e)::uuid::text, kind.name,
  date_trunc('hour', now()) - make_interval(hours => (%(per_entity)s - n) * 96 + (random() * 90)::int),
  round((kind.sign * (10 + random() * 5000))::numeric, 2),
  jsonb_build_object('amount', '1', 'balance', round((random() * 60000 - 2000)::numeric, 2)::text)
FROM generate_series(1, %(per_entity)s) n, generate_series(%(first)s, %(last)s) e
JOIN LATERAL (SELECT (%(kinds)s::text[])[1 + (e * 7 + n * 13) %% 8] AS name,
                     CASE WHEN (e * 7 + n * 13) %% 8 < 3 THEN 1 ELSE -1 END AS sign) kind ON true
"""
KINDS = ["cash_deposit", "transfer_in", "interest", "cash_withdrawal", "household_payment", "transfer_out",
         "statement_fee", "penalty_interest"]  # fmt: skip
STEP = 5_000


def events(
    entities: int, *, per_entity: int, after: int = 0, entity_type: str = "borrower", prefix: str = "bank"
) -> None:
    """Raw events over the last months, oldest first as they would arrive, and the entities they are about.

    after: so many entities have theirs already.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SELECT setseed(0.1999)")
        for start in range(after, entities, STEP):
            bounds = {"first": start + 1, "last": min(entities, start + STEP)}
            kinds = {"entity_type": entity_type, "kinds": [f"{prefix}.{kind}" for kind in KINDS]}
            cursor.execute(EVENTS, {"per_entity": per_entity, **kinds, **bounds})
        cursor.execute(
            "INSERT INTO features_knownentity (entity_type, entity_id) SELECT DISTINCT entity_type, entity_id "
            "FROM raw_events ORDER BY 1, 2 ON CONFLICT DO NOTHING"
        )
        for what, n in (("events", (entities - after) * per_entity), ("entities", entities - after)):
            counts.add(f"{what}:{entity_type}", n)
    vacuum("raw_events", "features_knownentity")


def movements(entities: int, *, after: int = 0) -> None:
    """Fifty events each for the accounts of benchmarks.workload."""
    events(entities, per_entity=PER_ENTITY, after=after, entity_type=holder.name, prefix="account")


MARK = """
INSERT INTO features_staleentity (entity_type, entity_id, events, from_event_id, earliest, latest)
SELECT entity_type, entity_id, count(*), min(id), min(event_time), max(event_time) FROM raw_events GROUP BY 1, 2
"""


def forget_values() -> None:
    """As after a bulk load: nothing is computed, and every event waits."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("TRUNCATE model_features, model_features_history, features_staleentity")
        cursor.execute("DELETE FROM features_countdelta WHERE what LIKE 'values:%'")
        cursor.execute(MARK)
    vacuum("model_features", "model_features_history", "features_staleentity")


def analyze() -> None:
    """What autovacuum would have done before long, for all tables."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("ANALYZE")


def vacuum(*tables: str) -> None:
    """What autovacuum would have done before long."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for table in tables:
            cursor.execute(f"VACUUM ANALYZE {table}")
