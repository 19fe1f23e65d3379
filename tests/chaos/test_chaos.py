"""A small storm with every fault in it, on servers of its own; and the plan is the seed's alone."""

import re
import subprocess
import sys

from tests.chaos.plan import FAULTS, draw
from tests.processes import ROOT


def test_the_same_seed_gives_the_same_tasks_and_faults():
    assert draw(7, 500) == draw(7, 500) and draw(7, 500).checksum != draw(8, 500).checksum
    assert {fault.name for fault in draw(7, 100).faults} == set(FAULTS)


def test_a_small_storm_breaks_no_promise():
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--seed", "11", "--tasks", "300"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    assert "every promise kept" in done.stdout
    assert set(re.findall(r"^  (\w+ \w+) +\d+ times, recovered after", done.stdout, re.MULTILINE)) == set(FAULTS)
