"""Penalised logistic regression with lower bounds.

Source: D. Bertsekas, SIAM Journal on Control and Optimization 20 (1982), projected Newton methods.
"""

from __future__ import annotations

import numpy as np

from loans.training.table import Floats

STEPS = 100
HALVINGS = 30
CLOSE = 1e-9
RIDGE = 1e-9


def newton(design: Floats, share: Floats, count: Floats, penalty: Floats, least: Floats) -> Floats:
    """Coefficients of the log-odds, none below `least`.

    share: of the good among the `count` cases of each row. penalty: half of it times the square of its coefficient is
    added to the loss.
    """
    beta = np.where(np.isfinite(least), least, 0.0)
    loss = _loss(beta, design, share, count, penalty)
    for _ in range(STEPS):
        rate = 1 / (1 + np.exp(-np.clip(design @ beta, -500, 500)))
        gradient = design.T @ (count * (rate - share)) + penalty * beta
        free = (beta > least) | (gradient < 0)
        inside = design[:, free]
        hessian = (inside * (count * rate * (1 - rate))[:, None]).T @ inside + np.diag(penalty[free] + RIDGE)
        step = np.zeros(len(beta))
        step[free] = np.linalg.solve(hessian, gradient[free])
        for halving in range(HALVINGS):
            tried = np.maximum(least, beta - step / 2**halving)
            better = _loss(tried, design, share, count, penalty)
            if better <= loss:
                break
        else:
            return beta
        moved = np.abs(tried - beta).max()
        beta, loss = tried, better
        if moved < CLOSE:
            break
    return beta


def _loss(beta: Floats, design: Floats, share: Floats, count: Floats, penalty: Floats) -> float:
    line = design @ beta
    return float((count * (np.logaddexp(0, line) - share * line)).sum() + (penalty * beta**2).sum() / 2)
