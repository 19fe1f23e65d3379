"""Evidence for a claim: the documents that speak of the same, and what their sentences say of it."""

from claims.retrieval.ranking import Candidate, rank
from claims.retrieval.search import Found
from claims.retrieval.searching import retrieve

__all__ = ["Candidate", "Found", "rank", "retrieve"]
