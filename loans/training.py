"""Fit the scorecard of `loans.scorecard` on loans with a known outcome. Pure: rows in, artifact and report out.

Each characteristic is cut into few bins by a small decision tree that may only follow the declared trend, bins are
coded by weight of evidence, and one logistic regression with an L2 penalty and weights >= 0 turns them into points;
so no bin ever earns points against the declared trend. Source: N. Siddiqi, Credit Risk Scorecards (2006), ch. 6.
Validation scores unseen loans with the very artifact code, rounded points included; bins are cut inside each fold.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, NamedTuple, TypedDict

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import DecisionTreeClassifier

from loans.scorecard import APPLICATION, BEHAVIOUR, FORMAT, Reason, Scale, content_hash, parse_card

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SCALE = Scale(base_points=70, base_odds=9, points_to_double=6)
MIN_EVENTS = 5
OUT_OF_TIME_FROM = date(1997, 1, 1)
APPROVE_FROM, REVIEW_FROM = 70, 50
THRESHOLDS = (40, 45, REVIEW_FROM, 55, 60, 65, APPROVE_FROM, 75, 80, 85, 90)


class Row(TypedDict):
    """One past loan. inputs: of `card_inputs`, as of the decision and nothing later."""

    borrower_id: str
    decision_date: date
    bad: bool
    inputs: Mapping[str, float | None]


class Definition(NamedTuple):
    """A feature the cards were fitted on. field: "value" (signed amount, CZK) or a numeric payload field.

    only: event types, or "in" / "out" for value > 0 / < 0; None for every event. days: window (as_of - days, as_of],
    None for all history. Nothing in the window gives 0 for count, sum and distinct, else None; stddev needs two events.
    """

    feature_set: str
    name: str
    aggregate: str
    field: str | None
    only: tuple[str, ...] | str | None
    days: int | None
    unit: str
    description: str


CORE, CONDUCT = "core_behavioral@v1", "account_conduct@v1"
PENALTY, DEPOSIT, CREDITED = ("bank.penalty_interest",), ("bank.cash_deposit",), ("bank.interest",)
HOUSEHOLD, INSURANCE = ("bank.household_payment",), ("bank.insurance_payment",)
REMITTANCES = ("bank.household_payment", "bank.insurance_payment", "bank.loan_payment", "bank.transfer_out")
CASH_OUT = ("bank.card_withdrawal", "bank.cash_withdrawal")
FEATURES = tuple(
    Definition(*row)
    for row in (
        (CORE, "event_count_7d", "count", None, None, 7, "events", "Movements on the account"),
        (CORE, "event_count_30d", "count", None, None, 30, "events", "Movements on the account"),
        (CORE, "event_count_90d", "count", None, None, 90, "events", "Movements on the account"),
        (CORE, "event_count_180d", "count", None, None, 180, "events", "Movements on the account"),
        (CORE, "inflow_sum_30d", "sum", "value", "in", 30, "CZK", "Money in"),
        (CORE, "inflow_sum_90d", "sum", "value", "in", 90, "CZK", "Money in"),
        (CORE, "inflow_sum_180d", "sum", "value", "in", 180, "CZK", "Money in"),
        (CORE, "outflow_sum_30d", "sum", "value", "out", 30, "CZK", "Money out, zero or negative"),
        (CORE, "outflow_sum_90d", "sum", "value", "out", 90, "CZK", "Money out, zero or negative"),
        (CORE, "outflow_sum_180d", "sum", "value", "out", 180, "CZK", "Money out, zero or negative"),
        (CORE, "value_mean_30d", "mean", "value", None, 30, "CZK", "Average signed movement"),
        (CORE, "value_mean_180d", "mean", "value", None, 180, "CZK", "Average signed movement"),
        (CORE, "value_stddev_180d", "stddev", "value", None, 180, "CZK", "Spread of signed movements"),
        (CORE, "inflow_stddev_90d", "stddev", "value", "in", 90, "CZK", "Spread of amounts received"),
        (CORE, "inflow_max_180d", "max", "value", "in", 180, "CZK", "Largest amount received"),
        (CORE, "outflow_min_180d", "min", "value", "out", 180, "CZK", "Largest amount paid, as a negative number"),
        (CORE, "event_days_since_last", "days_since_last", None, None, None, "days", "Since the last movement"),
        (CORE, "inflow_days_since_last", "days_since_last", None, "in", None, "days", "Since money last came in"),
        (CORE, "event_types_30d", "distinct", None, None, 30, "types", "Different kinds of movement"),
        (CORE, "event_types_180d", "distinct", None, None, 180, "types", "Different kinds of movement"),
        (CORE, "failure_ratio_90d", "ratio", None, PENALTY, 90, "share", "Movements that are penalty interest"),
        (CORE, "failure_ratio_180d", "ratio", None, PENALTY, 180, "share", "Movements that are penalty interest"),
        (CONDUCT, "balance_last", "last", "balance", None, None, "CZK", "Balance after the last movement"),
        (CONDUCT, "balance_min_all", "min", "balance", None, None, "CZK", "Lowest balance on record"),
        (CONDUCT, "balance_min_90d", "min", "balance", None, 90, "CZK", "Lowest balance"),
        (CONDUCT, "balance_min_180d", "min", "balance", None, 180, "CZK", "Lowest balance"),
        (CONDUCT, "balance_mean_90d", "mean", "balance", None, 90, "CZK", "Average balance after a movement"),
        (CONDUCT, "balance_mean_180d", "mean", "balance", None, 180, "CZK", "Average balance after a movement"),
        (CONDUCT, "balance_stddev_180d", "stddev", "balance", None, 180, "CZK", "Spread of the balance"),
        (CONDUCT, "interest_min_180d", "min", "value", CREDITED, 180, "CZK", "Lowest interest credited in a month"),
        (CONDUCT, "cash_deposit_max_180d", "max", "value", DEPOSIT, 180, "CZK", "Largest cash deposit"),
        (CONDUCT, "cash_out_sum_90d", "sum", "value", CASH_OUT, 90, "CZK", "Cash and card withdrawals"),
        (CONDUCT, "remittance_count_180d", "count", None, REMITTANCES, 180, "events", "Payments to other banks"),
        (CONDUCT, "household_payment_count_90d", "count", None, HOUSEHOLD, 90, "events", "Household payments"),
        (CONDUCT, "household_payment_ratio_90d", "ratio", None, HOUSEHOLD, 90, "share", "Household payments"),
        (CONDUCT, "insurance_payment_count_180d", "count", None, INSURANCE, 180, "events", "Insurance payments"),
        (CONDUCT, "penalty_interest_count_180d", "count", None, PENALTY, 180, "events", "Penalty interest charged"),
    )
)


class TooFewLoans(ValueError):
    """Not enough good or bad loans to cut bins and validate them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """leaves: bins at most. min_share: of the loans in each bin. penalty: L2 on the weights. smoothing: loans added
    to each bin at the average rate, so that an empty cell has a finite weight of evidence."""

    leaves: int = 4
    min_share: float = 0.05
    penalty: float = 10.0
    smoothing: float = 2.0
    folds: int = 5
    repeats: int = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """A characteristic before fitting. rising: whether a higher value is better. edges: fixed instead of fitted."""

    name: str
    part: str
    rising: bool
    unit: str
    code: str
    text: str
    edges: tuple[float, ...] | None = None


NO_HISTORY = Reason("H01", "Insufficient bank account history")
CANDIDATES = (
    Candidate("monthly_payment", APPLICATION, False, "CZK", "A01", "Monthly payment requested is too large"),
    Candidate(
        "lowest_balance_cover_all",
        BEHAVIOUR,
        True,
        "payments",
        "B01",
        "Lowest account balance on record is too low for the monthly payment requested",
    ),
    Candidate(
        "mean_balance_cover_180d",
        BEHAVIOUR,
        True,
        "payments",
        "B02",
        "Average account balance is too low for the monthly payment requested",
    ),
    Candidate("balance_min_90d", BEHAVIOUR, True, "CZK", "B03", "Low account balance within the last 90 days"),
    Candidate(
        "interest_min_180d",
        BEHAVIOUR,
        True,
        "CZK",
        "B04",
        "Low interest-bearing balance in at least one of the last six months",
    ),
    Candidate(
        "payment_to_income_180d",
        BEHAVIOUR,
        False,
        "share",
        "B05",
        "Income insufficient for amount of credit requested",
    ),
    Candidate("cash_deposit_max_180d", BEHAVIOUR, False, "CZK", "B07", "Large cash deposits within the last 180 days"),
    Candidate(
        "household_payment_ratio_90d",
        BEHAVIOUR,
        True,
        "share",
        "B08",
        "Too few regular household payments from the account",
    ),
    Candidate("event_types_180d", BEHAVIOUR, True, "types", "B09", "Limited use of the account"),
    Candidate(
        "failure_ratio_180d",
        BEHAVIOUR,
        False,
        "share",
        "B10",
        "Account overdrawn and charged penalty interest within the last 180 days",
        edges=(0.001,),
    ),
)


def fit(
    rows: Sequence[Row],
    *,
    definitions: Sequence[Mapping[str, Any]],
    created_on: date,
    seed: int,
    version: str = "v1",
    settings: Settings = Settings(),
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The artifact that `Scorecard.load` reads, and the report of how well it does on unseen loans.

    definitions: feature sets used, each with name, version and checksum; stored as given. Same rows in any order,
    same seed: same artifact. Raises TooFewLoans.
    """
    rows = sorted(rows, key=lambda row: (row["decision_date"], row["borrower_id"]))
    bads = sum(row["bad"] for row in rows)
    if min(bads, len(rows) - bads) < 2 * settings.folds:
        raise TooFewLoans(f"{len(rows)} loans with {bads} bad are too few for {settings.folds} folds")
    cards = {part: fit_card(rows, candidates_of(part), settings) for part in (APPLICATION, BEHAVIOUR)}
    artifact: dict[str, Any] = {
        "format": FORMAT,
        "version": version,
        "created_on": created_on.isoformat(),
        "scale": asdict(SCALE),
        "min_events": MIN_EVENTS,
        "cards": cards,
        "feature_sets": [dict(one) for one in definitions],
        "training": {
            "rows": len(rows),
            "bad": bads,
            "first_decision": rows[0]["decision_date"].isoformat(),
            "last_decision": rows[-1]["decision_date"].isoformat(),
            "rows_sha256": rows_hash(rows),
            "seed": seed,
            "settings": asdict(settings),
            "libraries": {
                "python": platform.python_version(),
                "numpy": np.__version__,
                "scipy": scipy.__version__,
                "scikit-learn": sklearn.__version__,
            },
        },
    }
    artifact["sha256"] = content_hash(artifact)
    report = {key: artifact[key] for key in ("version", "sha256", "created_on", "scale", "feature_sets", "training")}
    report["cards"] = {
        part: {
            "cross_validation": cross_validate(rows, candidates_of(part), settings, seed),
            "out_of_time": out_of_time(rows, candidates_of(part), settings),
            "characteristics": bin_table(rows, cards[part]),
        }
        for part in (APPLICATION, BEHAVIOUR)
    }
    return artifact, report


def candidates_of(card: str) -> tuple[Candidate, ...]:
    """The behaviour card looks at everything, the application card at the application alone."""
    return tuple(one for one in CANDIDATES if card == BEHAVIOUR or one.part == APPLICATION)


def fit_card(rows: Sequence[Row], candidates: Sequence[Candidate], settings: Settings) -> dict[str, Any]:
    """A card as the artifact holds it."""
    bad = _bad(rows)
    columns = [_column(rows, one.name) for one in candidates]
    edges = [_edges(column, bad, one, settings) for column, one in zip(columns, candidates, strict=True)]
    evidence = [
        weight_of_evidence(locate(column, cuts), bad, len(cuts) + 2, settings)
        for column, cuts in zip(columns, edges, strict=True)
    ]
    coded = np.column_stack(
        [woe[locate(column, cuts)] for column, cuts, woe in zip(columns, edges, evidence, strict=True)]
    )
    intercept, weights = logistic(coded, bad, settings.penalty)
    offset = SCALE.points(intercept)
    characteristics = []
    for one, cuts, woe, weight in zip(candidates, edges, evidence, weights, strict=True):
        points = SCALE.factor * weight * woe
        offset += points.min()
        *binned, missing = (round(float(number)) for number in points - points.min())
        characteristics.append(
            {
                "name": one.name,
                "part": one.part,
                "unit": one.unit,
                "edges": cuts.tolist(),
                "points": binned,
                "missing_points": missing,
                "reason": asdict(Reason(one.code, one.text)),
                "missing_reason": asdict(NO_HISTORY),
            }
        )
    return {"offset": round(float(offset)), "characteristics": characteristics}


def locate(column: Floats, edges: Floats) -> Ints:
    """Bin of each value, [low, high); the last index is the missing bin."""
    return np.where(np.isnan(column), len(edges) + 1, np.searchsorted(edges, column, side="right"))


def weight_of_evidence(bins: Ints, bad: Ints, count: int, settings: Settings) -> Floats:
    """Log of a bin's odds of repaying over the odds of all. A missing bin too small to judge says nothing: 0."""
    share = bad.mean()
    bads = np.bincount(bins, bad, count) + settings.smoothing * share
    goods = np.bincount(bins, 1 - bad, count) + settings.smoothing * (1 - share)
    woe = np.log(goods / bads) - math.log((1 - share) / share)
    if (bins == count - 1).sum() < settings.min_share * len(bins):
        woe[-1] = 0.0
    return woe


def logistic(coded: Floats, bad: Ints, penalty: float) -> tuple[float, Floats]:
    """Intercept and weights >= 0 of the log-odds of repaying."""
    design = np.column_stack([np.ones(len(coded)), coded])
    sign = 1 - 2 * bad

    def loss(beta: Floats) -> tuple[float, Floats]:
        margin = sign * (design @ beta)
        pull = penalty * np.concatenate([[0.0], beta[1:]])
        gradient = pull - design.T @ (sign / (1 + np.exp(margin)))
        return float(np.logaddexp(0, -margin).sum() + pull @ beta / 2), gradient

    start = np.concatenate([[math.log(9)], np.full(coded.shape[1], 0.5)])
    bounds = [(None, None)] + [(0.0, None)] * coded.shape[1]
    beta = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12}).x
    return float(beta[0]), beta[1:]


def cross_validate(
    rows: Sequence[Row], candidates: Sequence[Candidate], settings: Settings, seed: int
) -> dict[str, Any]:
    """Repeated stratified folds by borrower: every loan scored by cards that never saw its borrower."""
    borrowers = sorted({row["borrower_id"] for row in rows})
    worst = {row["borrower_id"]: False for row in rows}
    for row in rows:
        worst[row["borrower_id"]] |= row["bad"]
    bad = _bad(rows)
    runs: list[Floats] = []
    for repeat in range(settings.repeats):
        folds = StratifiedKFold(settings.folds, shuffle=True, random_state=seed + repeat)
        totals = np.zeros(len(rows))
        for _, held_out in folds.split(borrowers, [worst[one] for one in borrowers]):
            unseen = {borrowers[index] for index in held_out}
            card = parse_card(
                "fold", fit_card([r for r in rows if r["borrower_id"] not in unseen], candidates, settings)
            )
            for index, row in enumerate(rows):
                if row["borrower_id"] in unseen:
                    totals[index] = card.total(row["inputs"])
        runs.append(totals)
    figures = [measure(totals, bad) for totals in runs]
    return {
        "folds": settings.folds,
        "repeats": settings.repeats,
        **{name: round(float(np.mean([one[name] for one in figures])), 4) for name in figures[0]},
        "auc_spread": [round(min(one["auc"] for one in figures), 4), round(max(one["auc"] for one in figures), 4)],
        "auc_standard_error": round(auc_standard_error(float(np.mean([f["auc"] for f in figures])), bad), 4),
        "calibration": calibration_table(np.concatenate(runs), np.tile(bad, len(runs))),
        "thresholds": threshold_table(np.concatenate(runs), np.tile(bad, len(runs))),
        "decisions": decision_table(np.concatenate(runs), np.tile(bad, len(runs))),
    }


def out_of_time(rows: Sequence[Row], candidates: Sequence[Candidate], settings: Settings) -> dict[str, Any] | None:
    """Fitted on loans before 1997, measured on later ones; None when either side has too few bad loans."""
    before = [row for row in rows if row["decision_date"] < OUT_OF_TIME_FROM]
    after = [row for row in rows if row["decision_date"] >= OUT_OF_TIME_FROM]
    if any(sum(row["bad"] for row in side) < settings.folds for side in (before, after)):
        return None
    card = parse_card("before", fit_card(before, candidates, settings))
    totals, bad = np.array([float(card.total(row["inputs"])) for row in after]), _bad(after)
    return {
        "from": OUT_OF_TIME_FROM.isoformat(),
        "rows_before": len(before),
        "rows_after": len(after),
        "bad_after": int(bad.sum()),
        **{name: round(value, 4) for name, value in measure(totals, bad).items()},
        "thresholds": threshold_table(totals, bad),
        "decisions": decision_table(totals, bad),
    }


def measure(totals: Floats, bad: Ints) -> dict[str, float]:
    """Ranking (AUC, Gini, KS) and probability (Brier; slope 1 and mean equal to the bad rate is perfect)."""
    auc = float(roc_auc_score(bad, -totals))
    false_alarms, caught, _ = roc_curve(bad, -totals)
    probability = _probability(totals)
    log_odds = (totals[:, None] - SCALE.base_points) / SCALE.factor + math.log(SCALE.base_odds)
    slope = LogisticRegression(C=1e6).fit(log_odds, 1 - bad).coef_[0, 0]
    return {
        "auc": auc,
        "gini": 2 * auc - 1,
        "ks": float((caught - false_alarms).max()),
        "brier": float(np.mean((probability - bad) ** 2)),
        "brier_of_the_average": float(bad.mean() * (1 - bad.mean())),
        "calibration_slope": float(slope),
        "mean_probability": float(probability.mean()),
        "bad_rate": float(bad.mean()),
    }


def auc_standard_error(auc: float, bad: Ints) -> float:
    """Source: Hanley and McNeil, Radiology 143 (1982)."""
    bads, goods = int(bad.sum()), int((1 - bad).sum())
    first, second = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (bads - 1) * (first - auc**2) + (goods - 1) * (second - auc**2)
    return math.sqrt(spread / (bads * goods))


def calibration_table(totals: Floats, bad: Ints) -> list[dict[str, float]]:
    """Expected and observed share of bad loans by score band of ten points."""
    probability, bands = _probability(totals), np.clip(totals, 0, 99) // 10 * 10
    return [
        {
            "score_from": int(band),
            "share": round(float((bands == band).mean()), 4),
            "expected_bad": round(float(probability[bands == band].mean()), 4),
            "observed_bad": round(float(bad[bands == band].mean()), 4),
        }
        for band in np.unique(bands)
    ]


def threshold_table(totals: Floats, bad: Ints) -> list[dict[str, float | None]]:
    """What approving everything from a score on would have meant. Null where nothing is approved."""
    return [
        {
            "score_from": threshold,
            "approved": round(float((totals >= threshold).mean()), 4),
            "bad_among_approved": round(float(bad[totals >= threshold].mean()), 4)
            if (totals >= threshold).any()
            else None,
            "bad_caught": round(float((totals[bad == 1] < threshold).mean()), 4),
        }
        for threshold in THRESHOLDS
    ]


def decision_table(totals: Floats, bad: Ints) -> list[dict[str, Any]]:
    """The proposed policy: approve from 70, review from 50, decline below."""
    groups = {
        "approve": totals >= APPROVE_FROM,
        "review": (totals >= REVIEW_FROM) & (totals < APPROVE_FROM),
        "decline": totals < REVIEW_FROM,
    }
    return [
        {
            "decision": name,
            "share": round(float(group.mean()), 4),
            "bad_rate": round(float(bad[group].mean()), 4) if group.any() else None,
        }
        for name, group in groups.items()
    ]


def bin_table(rows: Sequence[Row], card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Per characteristic: each bin's loans, bad rate and points, and the information value."""
    bad, tables = _bad(rows), []
    for one in card["characteristics"]:
        edges = np.array(one["edges"])
        bins = locate(_column(rows, one["name"]), edges)
        labels = [
            *(f"[{low}, {high})" for low, high in zip(["-∞", *one["edges"]], [*one["edges"], "∞"], strict=True)),
            "missing",
        ]
        woe = weight_of_evidence(bins, bad, len(labels), Settings())
        goods, bads = np.bincount(bins, 1 - bad, len(labels)), np.bincount(bins, bad, len(labels))
        tables.append(
            {
                "name": one["name"],
                "unit": one["unit"],
                "information_value": round(float(((goods / goods.sum() - bads / bads.sum()) * woe).sum()), 3),
                "bins": [
                    {"bin": label, "loans": int(good + ill), "bad": int(ill), "points": points}
                    for label, good, ill, points in zip(
                        labels, goods, bads, [*one["points"], one["missing_points"]], strict=True
                    )
                ],
            }
        )
    return tables


def rows_hash(rows: Sequence[Row]) -> str:
    """SHA-256 of the rows as given, floats to 10 significant digits; names the training data without holding it."""
    digest = hashlib.sha256()
    for row in rows:
        inputs = {name: None if v is None else f"{float(v):.10g}" for name, v in row["inputs"].items()}
        line = [row["borrower_id"], row["decision_date"].isoformat(), bool(row["bad"]), inputs]
        digest.update(json.dumps(line, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()


def _edges(column: Floats, bad: Ints, one: Candidate, settings: Settings) -> Floats:
    if one.edges is not None:
        return np.array(one.edges)
    known = ~np.isnan(column)
    if len(np.unique(column[known])) < 2:
        return np.array([])
    tree = DecisionTreeClassifier(
        criterion="entropy",
        max_leaf_nodes=settings.leaves,
        min_samples_leaf=settings.min_share,
        monotonic_cst=[-1 if one.rising else 1],
        random_state=0,
    ).fit(column[known, None], bad[known])
    cuts = tree.tree_.threshold[tree.tree_.children_left >= 0]
    return np.unique([float(f"{cut:.3g}") for cut in cuts])


def _column(rows: Sequence[Row], name: str) -> Floats:
    values = (row["inputs"].get(name) for row in rows)
    return np.array([math.nan if value is None else float(value) for value in values])


def _bad(rows: Sequence[Row]) -> Ints:
    return np.array([int(row["bad"]) for row in rows])


def _probability(totals: Floats) -> Floats:
    return np.array([SCALE.probability_of_default(float(total)) for total in totals])


def markdown(report: Mapping[str, Any]) -> str:
    """The report to read. It holds counts and coefficients, never a row."""
    training, scale = report["training"], report["scale"]
    parts = [
        f"# Training report of scorecard {report['version']}",
        f"Content {report['sha256']}, created {report['created_on']}, seed {training['seed']}.",
        f"{training['rows']} loans, {training['bad']} bad, decided {training['first_decision']} to "
        f"{training['last_decision']}; rows {training['rows_sha256']}.",
        f"{scale['base_points']:g} points are odds of {scale['base_odds']:g}:1 of repaying; "
        f"{scale['points_to_double']:g} more double the odds. "
        f"Approve from {APPROVE_FROM}, review from {REVIEW_FROM}, decline below.",
        "Figures are on loans the card did not see, and bins, weights and points were made inside each fold. But the "
        "list of characteristics was chosen with all loans in view, out of time ones included, which flatters every "
        "figure here: expect several hundredths of AUC less on new loans.",
        "Sex, age and district are known and not used; sex may not be (12 CFR 1002.6(b)(9)).",
    ]
    for name, card in report["cards"].items():
        folds, later = card["cross_validation"], card["out_of_time"]
        parts.append(f"## The {name} card")
        names = (
            "auc",
            "gini",
            "ks",
            "brier",
            "brier_of_the_average",
            "calibration_slope",
            "mean_probability",
            "bad_rate",
        )
        parts.append(
            _table(
                ("figure", f"{folds['folds']} folds x {folds['repeats']}", "out of time"),
                [(one, folds[one], later[one] if later else "") for one in names]
                + [
                    ("AUC, lowest and highest repeat", " to ".join(map(str, folds["auc_spread"])), ""),
                    ("AUC, standard error of the sample", folds["auc_standard_error"], ""),
                ],
            )
        )
        if later:
            parts.append(
                f"Out of time: fitted on {later['rows_before']} loans before {later['from']}, measured on "
                f"{later['rows_after']} later ones, {later['bad_after']} bad."
            )
        for title, rows in (
            ("Decisions, cross-validated", folds["decisions"]),
            ("Decisions, out of time", later["decisions"] if later else []),
            ("Approving from a score on, cross-validated", folds["thresholds"]),
            ("Calibration, cross-validated", folds["calibration"]),
        ):
            if rows:
                parts += [f"### {title}", _table(tuple(rows[0]), [tuple(row.values()) for row in rows])]
        parts.append("### Bins (all loans)")
        for one in card["characteristics"]:
            parts.append(f"**{one['name']}** ({one['unit']}), information value {one['information_value']}")
            parts.append(_table(tuple(one["bins"][0]), [tuple(row.values()) for row in one["bins"]]))
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join("" if cell is None else str(cell) for cell in line) + " |" for line in lines)
