"""What `make up` shows on an empty database: some abstracts and claims of SciFact (samples/NOTICE says whose)."""

from __future__ import annotations

import json
from pathlib import Path

from claims.evidence import files, loading, sources
from claims.models import Claim, Corpus
from claims.services import submit_claim
from claims.verification.asking import request_verification

FOLDER = Path(__file__).parent / "samples"
MADE_BY = "SciFact"
VERIFIED = 12  # of the claims; the others wait for somebody to press the button


def load() -> str | None:
    """Store the sample unless there are claims or evidence; returns a sentence about it, or None."""
    if Claim.objects.exists() or Corpus.objects.exists():
        return None
    known = sources.SOURCES["scifact"]
    with files.opened(FOLDER / "scifact_corpus.jsonl") as rows:
        texts = sources.documents(rows, known.read)
        corpus = loading.load(
            "scifact_sample", texts, title=f"{known.title}, in part", licence=known.licence, source_url=known.url
        )
    told = (FOLDER / "scifact_claims.jsonl").read_text(encoding="utf-8").splitlines()
    claims = [submit_claim(text=json.loads(line)["claim"], source_url=known.url, made_by=MADE_BY) for line in told]
    for claim in claims[:VERIFIED]:
        request_verification(claim_id=claim.pk)
    return f"{corpus.added} abstracts and {len(claims)} claims of SciFact"
