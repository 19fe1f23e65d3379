"""Late commits, rollbacks, several exporters and crashes: each event is exported once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest
from django.db import IntegrityError, connection, connections, transaction

from features.intake.ingest import ingest
from features.models import RawEvent
from features.offline.export import waiting_events
from features.offline.horizon import WritersBusy, safe_horizon
from features.offline.models import Export
from features.offline.upkeep import tidy
from tests.features.offline import assert_exact, export, ids_in_database, ids_in_files, live, parquet_files
from tests.makers import watered
from tests.processes import ROOT, Processes, eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _place(settings, tmp_path):
    settings.EXPORT_URL = str(tmp_path / "offline")


@pytest.fixture
def writer():
    """Another connection to the database, in a transaction."""
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context"):
        parameters.pop(name, None)
    made = psycopg2.connect(**parameters)
    yield made
    made.close()


def add(raw, number: int, *, when: str = "2026-06-01") -> int:
    with raw.cursor() as cursor:
        cursor.execute(
            "INSERT INTO raw_events (source, source_id, entity_type, entity_id, event_type, event_time, payload) "
            "VALUES ('late', %s, 'plot', 'a', 'garden.visited', %s, '{}') RETURNING id",
            [str(number), when],
        )
        return cursor.fetchone()[0]


def store(*plots: str) -> None:
    ingest([watered(plot) for plot in plots], refresh=False)


def test_an_event_that_commits_late_is_waited_for(writer):
    late = add(writer, 1)
    store("b")  # a greater id, seen first
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: (time.sleep(0.3), writer.commit()))
        export()
    assert late in ids_in_files()
    assert_exact()


def test_an_event_that_is_rolled_back_leaves_a_gap_that_nobody_waits_for(writer):
    add(writer, 1)
    store("b")
    writer.rollback()
    export()
    assert Export.objects.first().last_id == ids_in_database()[-1]
    assert_exact()


def test_an_open_transaction_puts_the_export_off_and_loses_nothing(writer):
    late = add(writer, 1)
    store("b")
    with pytest.raises(WritersBusy):
        export(patience_s=0.2)
    assert not Export.objects.exists() and not live()
    writer.commit()
    export()
    assert ids_in_files()[0] == late
    assert_exact()


def test_only_transactions_that_wrote_before_are_waited_for(writer):
    """Readers, and writers that come while the export waits, hold up nothing: else it might wait for ever."""
    store("a")
    with writer.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM raw_events")
    assert safe_horizon(patience_s=0).last_id == ids_in_database()[-1]
    add(writer, 1)

    def later() -> None:
        with transaction.atomic():
            store("c")
            writer.commit()
            assert done.wait(10)
        connections.close_all()

    done = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: (time.sleep(0.3), later()))
        horizon = safe_horizon(patience_s=5)
        done.set()
    assert horizon.last_id == ids_in_database()[1]


def test_a_session_that_idles_in_its_transaction_is_waited_for(writer):
    add(writer, 1)
    with writer.cursor() as cursor:
        cursor.execute("SELECT 1")
    with pytest.raises(WritersBusy):
        safe_horizon(patience_s=0.1)
    writer.close()  # PostgreSQL rolls it back
    eventually(lambda: safe_horizon(patience_s=1))


def test_a_prepared_transaction_is_waited_for(writer):
    """It belongs to no process, and is seen by its lock all the same."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW max_prepared_transactions")
        if cursor.fetchone()[0] == "0":
            pytest.skip("needs max_prepared_transactions")
    writer.tpc_begin(writer.xid(1, "late", "offline"))
    late = add(writer, 1)
    writer.tpc_prepare()
    writer.reset()
    try:
        with pytest.raises(WritersBusy):
            safe_horizon(patience_s=0.1)
    finally:
        writer.tpc_commit(writer.xid(1, "late", "offline"))
    export()
    assert ids_in_files() == [late]


def test_events_recorded_before_the_horizon_are_in_it(writer):
    with writer.cursor() as cursor:
        cursor.execute("SELECT now()")  # recorded_at is when the transaction began
        began = cursor.fetchone()[0]
    store("a")
    export()
    assert Export.objects.first().recorded_before < began
    add(writer, 1)
    writer.commit()
    export()
    assert Export.objects.first().recorded_before is not None
    assert_exact()


def test_exporting_beside_writers_loses_and_doubles_nothing():
    done = threading.Event()

    def write(number: int) -> None:
        chance = random.Random(number)
        try:
            for _ in range(25):
                with transaction.atomic():
                    store(*(f"plot-{chance.randrange(9)}" for _ in range(chance.randint(1, 5))))
                    time.sleep(chance.random() * 0.02)
                    if chance.random() < 0.2:
                        transaction.set_rollback(True)
        finally:
            connections.close_all()

    def export_until_done() -> None:
        try:
            while not done.is_set():
                export(chunk_rows=20)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        exporters = [pool.submit(export_until_done) for _ in range(2)]
        for writing in [pool.submit(write, number) for number in range(4)]:
            writing.result()
        done.set()
        for exporting in exporters:
            exporting.result()
    export()
    assert len(live()) > 5
    assert_exact()


def test_the_database_refuses_a_gap_an_overlap_and_a_second_beginning():
    store("a", "b", "c")
    export()
    last = Export.objects.get()
    for follows, end in [(None, 2), (last, last.last_id), (last, 1)]:
        with pytest.raises(IntegrityError), transaction.atomic():
            Export.objects.create(follows=follows, last_id=end, rows=0)
    with pytest.raises(IntegrityError), transaction.atomic():
        Export.objects.create(follows_id=last.last_id + 5, last_id=last.last_id + 9, rows=0)
    Export.objects.create(follows=last, last_id=last.last_id + 9, rows=0)
    with pytest.raises(IntegrityError), transaction.atomic():
        Export.objects.create(follows=last, last_id=last.last_id + 10, rows=0)


KILLED = """
import os, signal, sys
import django; django.setup()
from features.offline import export, files
from features.offline.models import Export
point = sys.argv[1]
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
if point == "between file and row":
    files.save = die
elif point == "in a file":
    from pyarrow import parquet
    close = parquet.ParquetWriter.close
    parquet.ParquetWriter.close = die
elif point == "before the commit":
    list(export.export_events(before_commit=die))
list(export.export_events())
"""


@pytest.mark.parametrize("point", ["in a file", "between file and row", "before the commit"])
def test_a_killed_export_leaves_only_files_that_count_for_nothing(point, settings, tmp_path):
    store("a", "b")
    environment = Processes(tmp_path / "log").environment(EXPORT_URL=settings.EXPORT_URL)
    code = f"from tests import settings; settings.EXPORT_URL = {settings.EXPORT_URL!r}\n{KILLED}"
    child = subprocess.run([sys.executable, "-c", code, point], cwd=ROOT, env=environment, timeout=60)
    assert child.returncode == -signal.SIGKILL
    assert parquet_files() and not live() and not Export.objects.exists()
    eventually(lambda: waiting_events(patience_s=1) == 2)
    export()
    assert_exact()
    tidy()
    assert parquet_files() == {row.path for row in live()}
    assert not os.listdir(tmp_path / "offline" / ".unfinished")


def test_an_export_in_chunks_is_one_chain():
    store(*"abcdefg")
    done = export(chunk_rows=3)
    assert [part.rows for part in done] == [3, 3, 1]
    assert [part.percent for part in done][-1] == 100
    assert Export.objects.exclude(recorded_before=None).get().last_id == RawEvent.objects.order_by("-id")[0].id
    assert_exact()
