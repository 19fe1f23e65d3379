"""A claim verified over 5,000 abstracts, beside PostgreSQL's own search for its words; whether memory stays flat."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psutil
from django.db import connection

from benchmarks import data
from benchmarks.measure import Figure, Scale, at_most, p50s
from claims import judging, retrieval
from claims.evidence import loading
from claims.evidence.sources import Text
from claims.judging.published import reader
from claims.verification.stages import run_stages, versions_of

CORPUS, ABSTRACTS, SENTENCES, WORDS = "bench", 5_000, 9, 16
RANKED = """
SELECT id FROM claims_document, to_tsquery('english', %s) asked WHERE search @@ asked AND until IS NULL
ORDER BY ts_rank(search, asked) DESC LIMIT 20
"""


def measure(scale: Scale) -> list[Figure]:
    texts = list(abstracts(scale.of(ABSTRACTS, 1_000)))
    loading.load(CORPUS, texts, title="Made of words of the judge's lexicon")
    data.analyze()
    claims = asked(texts, 60)
    turn = iter(range(10**9))

    def one(call: Callable[[str], Any]) -> Callable[[], Any]:
        return lambda: call(claims[next(turn) % len(claims)])

    found = p50s(
        {
            "whole": one(verify),
            "retrieve": one(lambda text: retrieval.retrieve(text, corpora=[CORPUS])),
            "judged": one(judged_again(claims)),
            "floor": one(ranked),
        },
        times=scale.of(30, 10), rounds=scale.of(5, 3),
    )  # fmt: skip
    name = f"of {len(texts):,} abstracts, p50"
    floor = (found["floor"], "ts_rank of its words")
    return [
        Figure(f"verification over one {name}", found["whole"], "ms", *floor, (at_most(150),)),
        Figure(f"evidence found {name}", found["retrieve"], "ms", *floor),
        Figure("30 sentences judged and aggregated, p50", found["judged"], "ms"),
        Figure("memory after 500 more verifications", grown(claims, scale.of(500, 50)), "MiB", goals=(at_most(20),)),
    ]  # fmt: skip


def abstracts(count: int, seed: int = 9) -> Iterator[Text]:
    """Sentences of words that are as common as in the texts the judge was fitted to."""
    lexicon = reader().lexicon
    common = np.exp(-lexicon.rarity.astype(float))
    drawn = np.random.default_rng(seed).choice(lexicon.stems, (count, SENTENCES + 1, WORDS), p=common / common.sum())
    for number, rows in enumerate(drawn):
        title, *said = [" ".join(row).capitalize() + "." for row in rows.tolist()]
        yield Text(str(number), title, tuple(said))


def asked(texts: list[Text], count: int, seed: int = 9) -> list[str]:
    """Claims of ten words of a sentence of some abstract."""
    generator = random.Random(seed)
    return [" ".join(generator.choice(one.sentences).split()[:10]) for one in generator.sample(texts, count)]


def verify(text: str) -> Any:
    return run_stages(text, versions_of([CORPUS]), lambda percent, step: None).decision


def judged_again(claims: list[str]) -> Callable[[str], Any]:
    ranked_of = {text: retrieval.rank(text, retrieval.retrieve(text, corpora=[CORPUS])) for text in claims}
    return lambda text: judging.aggregate(judging.judge(text, ranked_of[text]))


def ranked(text: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(RANKED, [" | ".join(word.strip(".") for word in text.lower().split() if word.isalnum())])
        return cursor.fetchall()


def grown(claims: list[str], times: int) -> float:
    """MiB of this process that did not come back."""
    process = psutil.Process()
    before = process.memory_info().rss
    for number in range(times):
        verify(claims[number % len(claims)])
    return (process.memory_info().rss - before) / 2**20
