"""Liquid expressions in a sandbox: one variable, ten filters, bounded work.

The library python-liquid parses; what it parsed is checked when a mapping is saved and compiled
to closures, which compute the length of a result before they build it. Nothing of a template
engine runs when a User is mapped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

from scim_asgi.mapping.analysis import BUDGET_NS, Argument, Call, Shape, analyse
from scim_asgi.mapping.errors import ExpressionError, ExpressionFailure
from scim_asgi.mapping.filters import ARGUMENTS, FILTERS, checked_value
from scim_asgi.mapping.kinds import ANY, SCALARS

MAX_SOURCE = 512
"""The longest expression, in characters."""
MAX_FILTERS = 8
"""How many filters an expression chains at most."""
MAX_LITERAL = 128
"""The longest text inside an expression, in characters."""
_TRIES = 3

_Step: TypeAlias = "Callable[[Any, Any], Any]"

_KEEP_APART = frozenset({"append", "downcase", "prepend", "strip", "upcase"})


class Expression:
    """A compiled expression.

    Args:
        source: The expression with its braces.
        value: What the variable `value` may be.

    Attributes:
        source: The expression.
        result: What it may give.
        uses_default: Whether it is to be evaluated on nothing.
        keeps_apart: Whether different values give different results, but for case and white space.

    Raises:
        ExpressionError: It does not parse, is more than the sandbox allows, or cannot give
            anything with such a value.
    """

    def __init__(self, source: str, value: Shape | None = None) -> None:
        if len(source) > MAX_SOURCE:
            msg = f"the expression has more than {MAX_SOURCE} characters"
            raise ExpressionError(msg, MAX_SOURCE)
        parsed = _parse(source)
        filters = parsed.filters or ()
        if len(filters) > MAX_FILTERS:
            msg = f"the expression chains more than {MAX_FILTERS} filters"
            raise ExpressionError(msg, filters[MAX_FILTERS].token.start_index)
        start, calls = _argument(parsed.left), tuple(_call(each) for each in filters)
        given = value or Shape(kinds=ANY, items=SCALARS)
        self.source = source
        self.result = analyse(start, calls, given, parsed.left.token.start_index)
        self.uses_default = any(each.name == "default" for each in calls)
        self.keeps_apart = start.is_value and all(each.name in _KEEP_APART for each in calls)
        self._start = _getter(start)
        self._steps = tuple(_step(each) for each in calls)

    def evaluate(self, value: Any) -> Any:
        """Return the result for a value of JSON: text, number, boolean, null or a list of them.

        Raises:
            ExpressionFailure: The value does not fit the filters, the result would be too long,
                or the work took longer than its budget, three times in a row: a machine that
                pauses for other reasons is not the expression's fault.
        """
        checked = checked_value(value)
        for _ in range(_TRIES):
            finished, result = self._run(checked)
            if finished:
                return result
        msg = "the expression took longer than 1 ms"
        raise ExpressionFailure(msg)

    def _run(self, value: Any) -> tuple[bool, Any]:
        deadline = time.perf_counter_ns() + BUDGET_NS
        result = self._start(value)
        for step in self._steps:
            result = step(result, value)
            if time.perf_counter_ns() > deadline:
                return False, None
        return True, result


def _parse(source: str) -> Any:
    from liquid.exceptions import LiquidError

    try:
        nodes = _environment().from_string(source).nodes
    except LiquidError as error:
        start = 0 if error.token is None else error.token.start_index
        msg = f"the expression does not parse: {str(error).splitlines()[0]}"
        raise ExpressionError(msg, max(start, 0)) from None
    expression = getattr(nodes[0], "expression", None) if len(nodes) == 1 else None
    if expression is None or not hasattr(expression, "left"):
        msg = "write one expression in double braces, such as {{ value | downcase }}"
        raise ExpressionError(msg)
    return expression


@cache
def _environment() -> Any:
    """Return the environment that parses: no tags, so that `{% … %}` does not parse."""
    from liquid import Environment, Mode
    from liquid.builtin.content import Literal
    from liquid.builtin.illegal import Illegal
    from liquid.builtin.output import Output

    class Sandbox(Environment):
        block_nesting_limit = 1

        def setup_tags_and_filters(self, *, extra: bool = False) -> None:  # noqa: ARG002
            for tag in (Literal, Output, Illegal):
                self.add_tag(tag)

    return Sandbox(tolerance=Mode.STRICT)


def _argument(node: Any) -> Argument:
    """Read a literal, or the variable `value`."""
    name = type(node).__name__
    if name == "Path":
        if node.path != ["value"]:
            msg = f'"{node}" is unknown; `value` is the only variable, and has no members'
            raise ExpressionError(msg, node.token.start_index)
        return Argument(is_value=True)
    constants = {"Nil": None, "TrueLiteral": True, "FalseLiteral": False}
    if name in constants:
        return Argument(constants[name])
    if name not in ("StringLiteral", "IntegerLiteral", "FloatLiteral"):
        msg = f'"{node}" cannot be used; write a text, a number or value'
        raise ExpressionError(msg, node.token.start_index)
    if isinstance(node.value, str) and len(node.value) > MAX_LITERAL:
        msg = f"a text in the expression has more than {MAX_LITERAL} characters"
        raise ExpressionError(msg, node.token.start_index)
    return Argument(node.value)


def _call(node: Any) -> Call:
    """Read a filter, and check its arguments."""
    position = node.token.start_index
    if node.name not in FILTERS:
        known = ", ".join(sorted(FILTERS))
        msg = f'"{node.name}" is no filter here; known are {known}'
        raise ExpressionError(msg, position)
    if any(type(each).__name__ != "PositionalArgument" for each in node.args):
        msg = f"the filter {node.name} takes no named arguments"
        raise ExpressionError(msg, position)
    least, most = ARGUMENTS[node.name]
    if not least <= len(node.args) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        msg = f"the filter {node.name} takes {wanted} arguments, not {len(node.args)}"
        raise ExpressionError(msg, position)
    arguments = tuple(_argument(each.value) for each in node.args)
    if node.name in ("replace", "split") and arguments[0] in (Argument(""), Argument(None)):
        msg = f"the filter {node.name} needs a text that is not empty to look for"
        raise ExpressionError(msg, position)
    return Call(node.name, arguments, position)


def _getter(argument: Argument) -> Callable[[Any], Any]:
    if argument.is_value:
        return lambda value: value
    return lambda _: argument.constant


def _step(call: Call) -> _Step:
    """Compile a filter to a function of what it gets and of `value`."""
    function = FILTERS[call.name]
    given = tuple(_getter(each) for each in call.arguments)
    if not given:
        return lambda result, _: function(result)
    if not any(each.is_value for each in call.arguments):
        constants = tuple(each.constant for each in call.arguments)
        return lambda result, _: function(result, *constants)
    return lambda result, value: function(result, *(each(value) for each in given))
