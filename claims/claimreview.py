"""A verdict as schema.org ClaimReview, in JSON-LD.

Rating: 5 supported, 1 refuted, 3 between them: disputed, or not enough evidence, as `alternateName` says.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from claims.models import Claim, Label, Verdict

MEDIA_TYPE = "application/ld+json"
WORST, BEST = 1, 5
RATINGS = {Label.SUPPORTED: BEST, Label.DISPUTED: 3, Label.NOT_ENOUGH_INFO: 3, Label.REFUTED: WORST}
NAMES = {
    Label.SUPPORTED: "Supported by the evidence",
    Label.DISPUTED: "Disputed: evidence for and against it",
    Label.NOT_ENOUGH_INFO: "Not enough evidence",
    Label.REFUTED: "Refuted by the evidence",
}


def claim_review(claim: Claim, verdict: Verdict) -> dict[str, Any]:
    label = Label(verdict.label)
    return {
        "@context": "https://schema.org",
        "@type": "ClaimReview",
        "url": f"{settings.SITE_URL}/api/v1/verdicts/{claim.pk}/claimreview",
        "claimReviewed": claim.text,
        "datePublished": verdict.decided_at.isoformat(),
        "author": {"@type": "Organization", "name": "Millrace", "url": settings.SITE_URL},
        "itemReviewed": _claim(claim),
        "reviewRating": {
            "@type": "Rating",
            "ratingValue": RATINGS[label],
            "bestRating": BEST,
            "worstRating": WORST,
            "alternateName": NAMES[label],
            "ratingExplanation": f"Decided by a model, with confidence {verdict.confidence:.2f} of 1.",
        },
        "citation": _citations(verdict),
    }


def _claim(claim: Claim) -> dict[str, Any]:
    body: dict[str, Any] = {"@type": "Claim", "text": claim.text}
    if claim.made_by:
        body["author"] = {"@type": "Thing", "name": claim.made_by}  # a person or an organization: nobody said
    if claim.made_at:
        body["datePublished"] = claim.made_at.isoformat()
    if claim.source_url:
        body["appearance"] = {"@type": "CreativeWork", "url": claim.source_url}
    return body


def _citations(verdict: Verdict) -> list[dict[str, Any]]:
    """The documents of the deciding sentences, each with what it says."""
    cited: dict[int, dict[str, Any]] = {}
    for one in verdict.sentences.filter(decided=True).select_related("document__corpus"):
        document = one.document
        work = cited.setdefault(document.pk, {"@type": "CreativeWork", "identifier": document.external_id, "text": []})
        work["text"].append(one.text)
        if document.title:
            work["name"] = document.title
        if document.url:
            work["url"] = document.url
        if document.corpus.licence:
            work["isPartOf"] = {"@type": "Dataset", "name": document.corpus.title, "license": document.corpus.licence}
    return list(cited.values())
