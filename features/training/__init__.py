"""Training: features as of many moments at once, over columns of events instead of rows.

`engine` computes, `log` and `fields` hold the events, `reading` gets them from the offline copy and PostgreSQL,
`datasets` builds files. The modules need numpy and pyarrow (requirements/science.txt); processes without them import
only this page.
"""

from __future__ import annotations

from importlib.util import find_spec

from tasks.errors import PermanentError


class TrainingUnavailable(PermanentError):
    """The packages that compute over columns are missing."""


def require() -> None:
    """Raises TrainingUnavailable, whose message says what to install, unless this process can compute over columns."""
    if missing := [name for name in ("numpy", "pyarrow") if find_spec(name) is None]:
        raise TrainingUnavailable(
            f"Datasets need {' and '.join(missing)} on every worker: .venv/bin/pip install -r requirements/science.txt"
        )
