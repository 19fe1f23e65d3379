"""What several tests of tasks share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def stop(tmp_path: Path):
    """The environment of a process that ends itself at a point, once; `stop.mark` appears when it does."""

    def environment(point: str, how: str = "KILL") -> dict[str, str]:
        return {"MILLRACE_TEST_STOP": f"{point}={how}", "MILLRACE_TEST_MARK": str(environment.mark)}

    environment.mark = tmp_path / "mark"
    return environment
