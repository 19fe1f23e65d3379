"""The ten features of benchmarks.workload in SQL, as somebody writes them who wants nothing else: the honest rivals.

Each comes in several shapes; the fastest of a run is the floor. What they leave out: locks, history, the backlog,
batches, and any other feature set.
"""

from benchmarks.workload.events import holder
from features.definitions import event_types

COLUMNS = (
    "events, amount_sum, amount_mean, amount_stddev, amount_min, amount_max, days_since_last, kinds, events_30d, "
    "amount_sum_90d"
)
KINDS = sorted(name for name, event in event_types().items() if event.entity == holder)
DISTINCT = "count(DISTINCT r.event_type)"
MASK = "bit_count(coalesce(bit_or(1 << array_position(%(kinds)s::text[], r.event_type::text)), 0)::bit(32))"
ONE = f"r.entity_type = '{holder.name}'"


def aggregates(as_of: str, kinds: str, number: str = "") -> str:
    """The select list over `raw_events r`; `number` is a cast of what is a decimal in the product."""
    return (
        f"count(r.event_time), coalesce(sum(r.value), 0){number}, avg(r.value)::float8, stddev_samp(r.value)::float8, "
        f"min(r.value){number}, max(r.value){number}, extract(epoch FROM {as_of} - max(r.event_time))::float8 / 86400, "
        f"{kinds}, count(*) FILTER (WHERE r.event_time > {as_of} - interval '30 days'), "
        f"coalesce(sum(r.value) FILTER (WHERE r.event_time > {as_of} - interval '90 days'), 0){number}"
    )


# Backfill: everybody's latest values in one statement, into a table of typed columns.

LATEST = """
CREATE TABLE bench_latest (entity_id text PRIMARY KEY, as_of timestamptz, events bigint, amount_sum numeric,
  amount_mean float8, amount_stddev float8, amount_min numeric, amount_max numeric, days_since_last float8,
  kinds bigint, events_30d bigint, amount_sum_90d numeric) WITH (fillfactor = 80)
"""
UPSERT = (
    f"INSERT INTO bench_latest (entity_id, as_of, {COLUMNS}) {{select}} ON CONFLICT (entity_id) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in ("as_of", *COLUMNS.split(", ")))
)


def _grouped(kinds: str) -> str:
    return (
        f"SELECT r.entity_id, now(), {aggregates('now()', kinds)} FROM raw_events r "
        f"WHERE {ONE} AND r.event_time <= now() GROUP BY r.entity_id"
    )


def _each(kinds: str) -> str:
    return (
        f"SELECT e.entity_id, now(), a.* FROM features_knownentity e CROSS JOIN LATERAL "
        f"(SELECT {aggregates('now()', kinds)} FROM raw_events r WHERE {ONE} AND r.entity_id = e.entity_id "
        f"AND r.event_time <= now()) a WHERE e.entity_type = '{holder.name}'"
    )


BACKFILL = {
    "GROUP BY": UPSERT.format(select=_grouped(DISTINCT)),
    "GROUP BY, bit mask": UPSERT.format(select=_grouped(MASK)),
    "LATERAL": UPSERT.format(select=_each(DISTINCT)),
    "LATERAL, bit mask": UPSERT.format(select=_each(MASK)),
}

# Training: values of each (entity, time) of a spine, fetched as floats.

SPINE = "unnest(%(entity_ids)s::text[], %(times)s::timestamptz[]) WITH ORDINALITY AS s(entity_id, as_of, n)"


def _lateral(kinds: str) -> str:
    return (
        f"SELECT s.entity_id, s.as_of, a.* FROM {SPINE} CROSS JOIN LATERAL "
        f"(SELECT {aggregates('s.as_of', kinds, '::float8')} FROM raw_events r "
        f"WHERE {ONE} AND r.entity_id = s.entity_id AND r.event_time <= s.as_of) a"
    )


TRAINING = {
    "LATERAL": _lateral(DISTINCT),
    "LATERAL, bit mask": _lateral(MASK),
    "JOIN, GROUP BY": (
        f"SELECT s.entity_id, s.as_of, {aggregates('s.as_of', MASK, '::float8')} FROM {SPINE} LEFT JOIN raw_events r "
        f"ON {ONE} AND r.entity_id = s.entity_id AND r.event_time <= s.as_of GROUP BY s.n, s.entity_id, s.as_of"
    ),
}

# The same over the event log in Parquet.

DUCKDB = """
SELECT s.entity_id, s.as_of, count(r.event_time), coalesce(sum(r.value), 0), avg(r.value), stddev_samp(r.value),
  min(r.value), max(r.value), (epoch(s.as_of) - epoch(max(r.event_time))) / 86400, count(DISTINCT r.event_type),
  count(r.event_time) FILTER (WHERE r.event_time > s.as_of - INTERVAL 30 DAY),
  coalesce(sum(r.value) FILTER (WHERE r.event_time > s.as_of - INTERVAL 90 DAY), 0)
FROM spine s LEFT JOIN read_parquet('{path}') r ON r.entity_id = s.entity_id AND r.event_time <= s.as_of
GROUP BY s.n, s.entity_id, s.as_of
"""
