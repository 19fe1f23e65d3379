"""Whatever happens to the offline store, in any order: each event of the database is in exactly one file."""

from __future__ import annotations

import tempfile

import pgtrigger
from django.test import override_settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from features.intake.ingest import ingest
from features.models import RawEvent
from features.offline.compaction import compact
from features.offline.erasure import erase
from features.offline.export import export_events, forget_exports
from features.offline.models import ExportedFile
from features.offline.upkeep import tidy
from tests.features.offline import assert_exact, live, parquet_files
from tests.makers import watered

plots = st.sampled_from("abcd")
steps = st.one_of(
    st.tuples(st.just("ingest"), st.lists(st.tuples(plots, st.integers(0, 70)), max_size=6)),
    st.tuples(st.just("export"), st.integers(1, 4)),
    st.tuples(st.just("compact"), st.booleans()),
    st.tuples(st.just("erase"), plots),
    st.tuples(st.just("sweep"), st.booleans()),
    st.tuples(st.just("begin again"), st.none()),
)


def take(step: str, how) -> None:
    if step == "ingest":
        ingest([watered(plot, days_ago=days) for plot, days in how], refresh=False)
    elif step == "export":
        list(export_events(chunk_rows=how))
    elif step == "compact":
        list(compact(fully=how))
    elif step == "erase":
        with pgtrigger.ignore("features.RawEvent:append_only"):
            RawEvent.objects.filter(entity_id=how).delete()
        erase("plot", how)
    elif step == "sweep":
        if how:
            ExportedFile.objects.exclude(replaced_at=None).update(remove_at="2026-01-01T00:00:00Z")
        tidy()
    else:
        forget_exports()


class Histories(TestCase):
    @given(st.lists(steps, max_size=12))
    @hypothesis_settings(max_examples=25, deadline=None)
    def test_any_history_ends_with_each_event_in_one_file(self, history) -> None:
        with tempfile.TemporaryDirectory() as place, override_settings(EXPORT_URL=place):
            for step, how in history:
                take(step, how)
            list(export_events())
            assert_exact()
            take("sweep", True)
            assert parquet_files() == {row.path for row in live()}
            assert_exact()
