"""Features made of other features: small expressions, kept as a tree so that they have a checksum and any engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

EXACT = Context(prec=400)
NUMBERS = {"integer", "decimal", "float"}


class Operand:
    """What may stand in an expression: a feature, or an expression already."""

    __slots__ = ()

    def __add__(self, other: Any) -> Expression:
        return Expression("+", self, as_expression(other))

    def __radd__(self, other: Any) -> Expression:
        return Expression("+", as_expression(other), self)

    def __sub__(self, other: Any) -> Expression:
        return Expression("-", self, as_expression(other))

    def __rsub__(self, other: Any) -> Expression:
        return Expression("-", as_expression(other), self)

    def __mul__(self, other: Any) -> Expression:
        return Expression("*", self, as_expression(other))

    def __rmul__(self, other: Any) -> Expression:
        return Expression("*", as_expression(other), self)

    def __truediv__(self, other: Any) -> Expression:
        return Expression("/", self, as_expression(other))

    def __rtruediv__(self, other: Any) -> Expression:
        return Expression("/", as_expression(other), self)


@dataclass(frozen=True, slots=True, eq=False)
class Constant(Operand):
    number: Decimal


@dataclass(frozen=True, slots=True, eq=False)
class Expression(Operand):
    """`left` and `right` are features, constants or expressions."""

    sign: str
    left: Any
    right: Any


def as_expression(value: Any) -> Any:
    if isinstance(value, Operand):
        return value
    if isinstance(value, (int, str, Decimal)) and not isinstance(value, bool):
        return Constant(Decimal(value))
    raise RuntimeError(f"an expression is made of features, whole numbers and Decimals, not of {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Derived(Operand):
    """A feature computed from others of its set. Its type follows from theirs; a quotient is a float."""

    expression: Any
    unit: str
    description: str = ""
    expected: tuple[Decimal | None, Decimal | None] | None = None

    @property
    def data_type(self) -> str:
        return type_of(self.expression)

    over = None
    types = ()
    kind = "derived"


def type_of(node: Any) -> str:
    if isinstance(node, Constant):
        return "integer" if node.number == node.number.to_integral_value() else "decimal"
    if not isinstance(node, Expression):
        return str(node.data_type)
    types = {type_of(node.left), type_of(node.right)}
    if not types <= NUMBERS:
        raise RuntimeError("only numbers can be added, subtracted, multiplied and divided")
    if node.sign == "/" or "float" in types:
        return "float"
    return "decimal" if "decimal" in types else "integer"


def operands(node: Any) -> Iterator[Any]:
    """The features an expression stands on."""
    if isinstance(node, Expression):
        yield from operands(node.left)
        yield from operands(node.right)
    elif not isinstance(node, Constant):
        yield node


def written(node: Any, name_of: Callable[[Any], str]) -> Any:
    """The expression as JSON: a name, a number as text, or [sign, left, right]."""
    if isinstance(node, Constant):
        return {"number": str(node.number)}
    if isinstance(node, Expression):
        return [node.sign, written(node.left, name_of), written(node.right, name_of)]
    return name_of(node)


def evaluate(node: Any, value_of: Callable[[Any], Any]) -> Any:
    """The meaning of an expression: exact fractions until a float comes in. None for null."""
    if isinstance(node, Constant):
        return Fraction(node.number)
    if not isinstance(node, Expression):
        value = value_of(node)
        return value if value is None or isinstance(value, float) else Fraction(value)
    left, right = evaluate(node.left, value_of), evaluate(node.right, value_of)
    if left is None or right is None or (node.sign == "/" and right == 0):
        return None
    if isinstance(left, float) or isinstance(right, float):
        left, right = float(left), float(right)
    return SIGNS[node.sign](left, right)


SIGNS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
}


def finished(value: Any, data_type: str) -> Any:
    """An evaluated expression as a value of its type."""
    if value is None:
        return None
    if data_type == "float":
        return float(value)
    if data_type == "integer":
        return int(value)
    return EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))
