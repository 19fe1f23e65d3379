"""gunicorn: how web requests are served. Started as `gunicorn -c config/gunicorn.py config.wsgi`."""

import gc
import os
import select

from gunicorn.workers.gthread import TConn, ThreadWorker
from prometheus_client import multiprocess

STAY_MS = 20


class StayingWorker(ThreadWorker):
    """gthread whose threads look for a connection's next request before they hand it back to the main thread.

    Both ways of the hand-over cost more than a small answer. While there are more threads than connections nobody can
    be kept waiting by it; a new connection beyond that waits STAY_MS at the most.
    """

    def handle(self, conn: TConn) -> object:
        again = super().handle(conn)
        while again is True and self.alive and self.nr_conns <= self.cfg.threads and _asked_again(conn):
            again = super().handle(conn)
        return again


def _asked_again(conn: TConn) -> bool:
    if conn.parser.unreader.buf.getvalue():
        return True
    poll = select.poll()
    poll.register(conn.sock, select.POLLIN)
    return bool(poll.poll(STAY_MS))


bind = f"127.0.0.1:{os.environ.get('MILLRACE_PORT') or 8000}"
worker_class = StayingWorker
workers = int(os.environ.get("MILLRACE_WEB_WORKERS") or 2)
threads = 8 + int(os.environ.get("TASK_STREAMS") or 16)  # a stream of events holds one
keepalive = 15  # seconds
timeout = 30  # seconds without a sign of life until a worker is replaced
graceful_timeout = 15  # seconds to finish requests on SIGTERM
limit_request_line = 4094  # bytes
limit_request_fields = 64
limit_request_field_size = 8190  # bytes
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - heartbeats must not wait for a disk
control_socket_disable = True  # its default path is shared by all services of one user
loglevel = (os.environ.get("MILLRACE_LOG") or "info").lower()


def post_worker_init(worker) -> None:
    """Streams end by themselves when their process is asked to stop. What was loaded stays, so it is not searched."""
    gc.collect()
    gc.freeze()
    from django.conf import settings

    if settings.configured:
        from tasks import hub

        hub.stopping = lambda: not worker.alive


def child_exit(server, worker) -> None:
    """Forget the gauges of a worker that is gone."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)
