"""What sentences say of a claim, and the verdict they make together."""

from claims.judging.decision import Decision, aggregate
from claims.judging.published import model_versions
from claims.judging.stances import Stance, judge

__all__ = ["Decision", "Stance", "aggregate", "judge", "model_versions"]
