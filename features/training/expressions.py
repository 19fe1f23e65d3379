"""Derived features over columns: exact fractions until a float comes in, as features.language.derived says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from features.language.derived import SIGNS, Constant, Derived, Expression, operands, type_of
from features.training.fields import WIDE, Array
from features.training.results import Result, UnusableValue, quotient

Node = tuple[Array, Any, Array]  # dividends, divisors (None: it is floats), where there is a value


def compute(derived: Derived, result_of: Callable[[Any], Result]) -> Result:
    rows = len(result_of(next(operands(derived.expression))).values)
    dividend, divisor, valid = _evaluated(derived.expression, result_of, rows)
    if derived.data_type == "float":
        floats = dividend if divisor is None else quotient(dividend, divisor, valid)
        return Result("float", np.where(valid, floats, 0.0), valid)
    scale = max(0, len(str(int(divisor.max(initial=1)))) - 1)
    scaled = dividend * 10**scale
    whole, rest = scaled // divisor, scaled % divisor
    if (rest != 0)[valid].any():
        raise UnusableValue("a sum of decimals is no decimal")  # divisors are powers of ten here
    return Result(derived.data_type, whole, valid, scale)


def _evaluated(node: Any, result_of: Callable[[Any], Result], rows: int) -> Node:
    if isinstance(node, Constant):
        dividend, divisor = node.number.as_integer_ratio()
        if type_of(node) != "integer":  # keeps the divisors of decimals powers of ten
            exponent = -int(node.number.as_tuple().exponent)
            dividend, divisor = int(node.number.scaleb(exponent, WIDE)), 10**exponent
        return _filled(rows, dividend), _filled(rows, divisor), np.ones(rows, bool)
    if not isinstance(node, Expression):
        result = result_of(node)
        valid = np.ones(rows, bool) if result.valid is None else result.valid
        if result.data_type == "float":
            return result.values, None, valid
        return result.values.astype(object), _filled(rows, 10**result.scale), valid
    left, right = _evaluated(node.left, result_of, rows), _evaluated(node.right, result_of, rows)
    valid = left[2] & right[2]
    if node.sign == "/":
        valid = valid & (right[0] != 0).astype(bool)
    if left[1] is None or right[1] is None:
        with np.errstate(all="ignore"):
            return SIGNS[node.sign](_floats(left), np.where(valid, _floats(right), 1.0)), None, valid
    (a, b, _), (c, d, _) = left, right
    match node.sign:
        case "*":
            return a * c, b * d, valid
        case "/":
            sign = np.where(c < 0, -1, 1).astype(object)
            return np.where(valid, a * d * sign, 0), np.where(valid, b * c * sign, 1), valid
    return SIGNS[node.sign](a * d, c * b), b * d, valid


def _filled(rows: int, number: int) -> Array:
    return np.full(rows, number, object)


def _floats(node: Node) -> Array:
    dividend, divisor, valid = node
    return dividend if divisor is None else quotient(dividend, divisor, valid)
