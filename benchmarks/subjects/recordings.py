"""Measuring recordings: samples a second of one core beside reading and one FFT, and memory over any length."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import fft

from benchmarks.measure import Figure, Scale, alternate, at_least, at_most, medians
from recordings import synthetic
from recordings.datatypes import datatype_of
from recordings.layout import lay_out
from recordings.samples import Samples
from recordings.signal import measure as measure_samples
from recordings.signal.pieces import PIECE, pieces, squared

TILE = 1 << 20
KINDS = ("ci16_le", "cf32_le", "cu8", "ri16_le")
CHILD = "import sys; from benchmarks.subjects.recordings import child; child(sys.argv[1])"


def measure(scale: Scale) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        return [*speed(scale, Path(folder)), *memory(scale, Path(folder))]


def speed(scale: Scale, folder: Path) -> list[Figure]:
    """CPU time of this process; the floors read the same samples as the product does."""
    figures, count = [], scale.of(1 << 25, 1 << 22)
    for kind in KINDS:
        samples = made(folder / f"{kind}.sigmf-data", kind, count)
        sides: dict[str, Callable[[], float]] = {
            "measure": lambda samples=samples: cpu(lambda: measure_samples(samples)),
            "power": lambda samples=samples: cpu(lambda: read_and_square(samples)),
            "fft": lambda samples=samples: cpu(lambda: read_and_transform(samples)),
        }
        found = medians(alternate(sides, rounds=scale.of(3, 1)))
        goals = (at_least(20),) if kind == "ci16_le" else ()
        rate, of_power, of_fft = (count / found[side] / 1e6 for side in ("measure", "power", "fft"))
        name = f"measure, {kind}, {count / 1e6:.0f} million samples"
        figures.append(Figure(name, rate, "Msamples/s CPU", of_fft, "reading, |x|² and one FFT of 4096", goals))
        figures.append(Figure(name, rate, "Msamples/s CPU", of_power, "reading and |x|²"))
    return figures


def memory(scale: Scale, folder: Path) -> list[Figure]:
    """Peak of a process of its own that measures a long recording, over one that measures a short one."""
    short, long = scale.of(1 << 24, 1 << 20), scale.of(1 << 29, 1 << 24)
    peaks = [peak(made(folder / "long.sigmf-data", "ci16_le", count)) for count in (short, long)]
    name = f"measure, {long * 4 / 1e9:.2g} GB of ci16: peak memory"
    return [Figure(name, peaks[1], "MB", peaks[0], f"{short * 4 / 1e6:.0f} MB of it", (at_most(1.2, of_floor=True),))]


def made(path: Path, kind: str, count: int) -> Samples:
    """QPSK and noise over and over."""
    signal = synthetic.psk(TILE, order=4, samples_per_symbol=8, seed=1, power=0.05)
    tile = synthetic.quantised(synthetic.with_noise(signal, snr_db=20, power=0.05, seed=2), kind).tobytes()
    with path.open("wb") as file:
        for _ in range(count // TILE):
            file.write(tile)
    described = {"global": {"core:datatype": kind}, "captures": [{"core:sample_start": 0}]}
    return Samples(path, datatype_of(kind), lay_out(described, path.stat().st_size), 1e6)


def cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def read_and_square(samples: Samples) -> float:
    return sum(float(np.square(block.view(np.float32)).sum()) for block in samples.blocks())


def read_and_transform(samples: Samples) -> float:
    total = 0.0
    for piece in pieces(samples):
        if len(piece.values) == PIECE:
            total += float(piece.power.sum())
            total += float(squared(fft.fft(piece.values.reshape(-1, 4096), axis=1, workers=1).reshape(-1)).sum())
    return total


def peak(samples: Samples) -> float:
    """MB."""
    command = [sys.executable, "-c", CHILD, str(samples.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        numbers = json.load(process.stdout)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not 19 < numbers["snr_db"] < 21:
        raise RuntimeError(numbers)
    return used.ru_maxrss / 1024


def child(path: str) -> None:
    file = Path(path)
    described = {"global": {"core:datatype": "ci16_le"}, "captures": [{"core:sample_start": 0}]}
    samples = Samples(file, datatype_of("ci16_le"), lay_out(described, file.stat().st_size), 1e6)
    print(json.dumps(measure_samples(samples).numbers))
