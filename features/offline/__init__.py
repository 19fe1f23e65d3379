"""The offline store: the event log as columns. Parquet files hold the events, rows say which files count.

`reader` is the way in for who wants events; `export` adds them, `upkeep` keeps the folder in order, `erasure` takes an
entity out, `verification` holds the files against the database. The modules need pyarrow and fsspec
(requirements/science.txt); web processes and workers without them import only this page and the models.
"""

from __future__ import annotations

from importlib.util import find_spec

from django.conf import settings

from tasks.errors import PermanentError


class OfflineStoreUnavailable(PermanentError):
    """There is no place to export to, or the packages that read and write Parquet are missing."""


def require() -> None:
    """Raises OfflineStoreUnavailable, whose message says what to do, unless this process can use the offline store."""
    if not settings.EXPORT_URL:
        raise OfflineStoreUnavailable("There is no offline store: set EXPORT_URL to a folder or an fsspec address.")
    if missing := [name for name in ("numpy", "pyarrow", "fsspec") if find_spec(name) is None]:
        raise OfflineStoreUnavailable(
            f"The offline store needs {', '.join(missing)}: .venv/bin/pip install -r requirements/science.txt"
        )
