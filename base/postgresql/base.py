"""Django's PostgreSQL backend, which looks at the socket instead of asking before each request whether it still works.

A server that stops, or is killed, closes its connections, which shows without a round trip. Only one that vanishes
without a word, as a host does that loses its power, is found out by asking: at the latest after SURE_S seconds.
"""

from __future__ import annotations

import select
import time
from typing import Any

from django.db.backends.postgresql import base

SURE_S = 10.0


class DatabaseWrapper(base.DatabaseWrapper):
    health_check_enabled: bool
    health_check_done: bool
    _sure_until = 0.0

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self._sure_until = time.monotonic() + SURE_S
        return super().get_new_connection(conn_params)

    def close_if_health_check_failed(self) -> None:
        if self.connection is None or not self.health_check_enabled or self.health_check_done:
            return
        if time.monotonic() < self._sure_until and not self._heard_something():
            self.health_check_done = True
            return
        super().close_if_health_check_failed()
        self._sure_until = time.monotonic() + SURE_S

    def _heard_something(self) -> bool:
        """An idle connection has nothing to read but its end."""
        if self.connection.closed:
            return True
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return bool(poll.poll(0))
