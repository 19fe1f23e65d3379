"""Every borrower of the bank data: loaded, backfilled, and held against DuckDB reading the original files.

The data may not ship, so this runs where it lies beside the checkout (MILLRACE_SHARED_DATA or ../shared/data).
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command

from features.definitions import feature_sets
from features.models import FeatureHistory, FeatureValue
from loans.berka import borrower_id
from loans.features import AccountConduct, CashFlow, CoreBehavioral
from tests.loans.test_berka import DATA, needs_data

duckdb = pytest.importorskip("duckdb", reason="the second opinion needs duckdb (requirements/science.txt)")
AS_OF = datetime(1994, 1, 15, 12, tzinfo=UTC)

EVENTS = """
CREATE TABLE event AS SELECT trans_id, any_value(account_id) AS account,
  any_value(strptime('19' || lpad(date::varchar, 6, '0'), '%Y%m%d')) AS happened,
  any_value(CASE WHEN type IN ('PRIJEM', 'credit') THEN 1 ELSE -1 END * round(amount, 2)::decimal(18, 2)) AS value,
  any_value(round(balance, 2)::decimal(18, 2)) AS balance,
  any_value(operation) AS operation,
  any_value(trim(k_symbol)) AS purpose
FROM (SELECT * FROM read_parquet('{folder}/trans_pre_loan.parquet')
      UNION ALL BY NAME SELECT * FROM read_parquet('{folder}/trans_1993_orig.parquet')) GROUP BY trans_id
"""
# Written from the words of the definitions, in another engine, over the original files.
SECOND_OPINION = """
SELECT account, count(*) AS source_rows,
  count(*) FILTER (WHERE happened > t - INTERVAL 7 DAY) AS event_count_7d,
  count(*) FILTER (WHERE happened > t - INTERVAL 30 DAY) AS event_count_30d,
  count(*) FILTER (WHERE happened > t - INTERVAL 90 DAY) AS event_count_90d,
  count(*) FILTER (WHERE happened > t - INTERVAL 180 DAY) AS event_count_180d,
  coalesce(sum(value) FILTER (WHERE value > 0 AND happened > t - INTERVAL 30 DAY), 0) AS inflow_sum_30d,
  coalesce(sum(value) FILTER (WHERE value > 0 AND happened > t - INTERVAL 90 DAY), 0) AS inflow_sum_90d,
  coalesce(sum(value) FILTER (WHERE value > 0 AND happened > t - INTERVAL 180 DAY), 0) AS inflow_sum_180d,
  coalesce(sum(value) FILTER (WHERE value < 0 AND happened > t - INTERVAL 30 DAY), 0) AS outflow_sum_30d,
  coalesce(sum(value) FILTER (WHERE value < 0 AND happened > t - INTERVAL 180 DAY), 0) AS outflow_sum_180d,
  avg(value) FILTER (WHERE happened > t - INTERVAL 30 DAY) AS value_mean_30d,
  stddev_samp(value::double) FILTER (WHERE happened > t - INTERVAL 180 DAY) AS value_stddev_180d,
  stddev_samp(value::double) FILTER (WHERE value > 0 AND happened > t - INTERVAL 90 DAY) AS inflow_stddev_90d,
  max(value) FILTER (WHERE value > 0 AND happened > t - INTERVAL 180 DAY) AS inflow_max_180d,
  min(value) FILTER (WHERE value < 0 AND happened > t - INTERVAL 180 DAY) AS outflow_min_180d,
  epoch(t - max(happened)) / 86400 AS event_days_since_last,
  epoch(t - max(happened) FILTER (WHERE value > 0)) / 86400 AS inflow_days_since_last,
  (count(*) FILTER (WHERE penalty AND happened > t - INTERVAL 180 DAY))::double
    / nullif(count(*) FILTER (WHERE happened > t - INTERVAL 180 DAY), 0) AS failure_ratio_180d,
  min(balance) AS balance_min_all,
  min(balance) FILTER (WHERE happened > t - INTERVAL 90 DAY) AS balance_min_90d,
  avg(balance) FILTER (WHERE happened > t - INTERVAL 180 DAY) AS balance_mean_180d,
  max(value) FILTER (WHERE deposit AND happened > t - INTERVAL 180 DAY) AS cash_deposit_max_180d,
  count(*) FILTER (WHERE penalty AND happened > t - INTERVAL 180 DAY) AS penalty_interest_count_180d,
  coalesce(sum(value) FILTER (WHERE happened > t - INTERVAL 180 DAY), 0) AS net_flow_180d,
  avg(value) FILTER (WHERE value > 0 AND happened > t - INTERVAL 180 DAY) AS received_mean_180d,
  coalesce(sum(value) FILTER (WHERE remittance AND happened > t - INTERVAL 180 DAY), 0) AS remittance_sum_180d,
  -coalesce(sum(value) FILTER (WHERE remittance AND happened > t - INTERVAL 180 DAY), 0)::double
    / nullif(sum(value) FILTER (WHERE value > 0 AND happened > t - INTERVAL 180 DAY), 0)::double
    AS remittance_share_180d
FROM (SELECT *, ?::timestamp AS t,
        coalesce(operation IN ('PREVOD NA UCET', 'remittance to another bank'), false)
          AND coalesce(purpose, '') NOT IN ('UROK', 'SLUZBY', 'SANKC. UROK', 'DUCHOD') AS remittance,
        coalesce(purpose IN ('SANKC. UROK', 'sanction interest if negative balance'), false) AS penalty,
        coalesce(operation IN ('VKLAD', 'credit in cash'), false)
          AND coalesce(purpose, '') NOT IN ('DUCHOD', 'UROK', 'SLUZBY', 'SANKC. UROK', 'interest credited',
            'payment for statement', 'sanction interest if negative balance') AS deposit FROM event)
WHERE happened <= t GROUP BY account, t
"""


def second_opinion(moment: datetime) -> dict[str, dict]:
    """By borrower id, what DuckDB computes from the Parquet files as of `moment`."""
    base = duckdb.connect()
    base.execute(EVENTS.format(folder=DATA))
    found = base.execute(SECOND_OPINION, [moment.replace(tzinfo=None)])
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {str(borrower_id(row.pop("account"))): row for row in rows}


@needs_data
@pytest.mark.django_db
def test_every_borrowers_values_equal_an_independent_recomputation(capsys):
    call_command("load_berka", str(DATA))
    call_command("backfill_features", "--entity", "borrower")
    assert capsys.readouterr().out.count("coverage 100.0 %") == len(feature_sets(entity="borrower"))
    call_command("backfill_features", "--entity", "borrower", "--as-of", AS_OF.isoformat())
    call_command("load_berka", str(DATA))
    assert "0 new borrowers, 0 new events of 79984, 0 new past loans" in capsys.readouterr().out
    latest = max(FeatureValue.objects.values_list("as_of", flat=True))
    for moment, rows in ((AS_OF, FeatureHistory), (latest, FeatureValue)):
        meant = second_opinion(moment)
        assert compare(meant, rows, moment) == 3 * len(meant) > 3 * 1000


def compare(meant: dict[str, dict], rows: type, moment: datetime) -> int:
    compared = 0
    for name in (CoreBehavioral.name, AccountConduct.name, CashFlow.name):
        stored = rows.objects.filter(feature_set__name=name)
        if rows is FeatureHistory:
            stored = stored.filter(as_of=moment)
        for row in stored.iterator():
            expected = meant.get(row.entity_id)
            if expected is None:  # no event up to then
                assert row.source_rows == 0
                continue
            assert row.source_rows == expected["source_rows"]
            for feature in set(row.vals) & set(expected):
                same(row, feature, expected[feature], moment - row.as_of)
            compared += 1
    return compared


def same(row, feature: str, expected, later: timedelta) -> None:
    """Counts and money to the last digit; means, spreads and ages to 1e-9. `later`: how much later DuckDB looked."""
    found = row.vals[feature]
    if feature.endswith("days_since_last") and expected is not None:
        expected -= later / timedelta(days=1)
    if isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9), (row.entity_id, feature)
    elif expected is None:
        assert found is None, (row.entity_id, feature)
    else:
        assert Decimal(str(found)) == Decimal(expected), (row.entity_id, feature)
