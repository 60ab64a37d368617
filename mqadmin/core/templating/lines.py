"""Values and conditions of a template as lines of Python: what `straight` makes a function of.

A name is looked up once, an attribute is an attribute; what is not plain raises, and Django is asked.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template.base import VariableDoesNotExist, render_value_in_context
from django.template.context import Context, RequestContext
from django.template.defaulttags import TemplateLiteral
from django.urls import get_script_prefix
from django.utils.html import conditional_escape
from django.utils.safestring import SafeData, SafeString
from django.utils.translation import get_language

from mqadmin.core.templating import names
from mqadmin.core.templating.names import MISSING, VALUES, NotPlain, is_plain
from mqadmin.core.templating.nodes import written_url

Body = Callable[[Context], str]
"""Renders what it was made of. The context escapes."""

_OF_THE_CONTEXT = {
    *dir(RequestContext(HttpRequest())),
    "template",
    "request",
}  # found when no value has the name
_COMPARED = {"==", "!=", ">", ">=", "<", "<=", "in", "not in", "is", "is not"}


def _found(dicts: Sequence[Any], name: str) -> Any:
    for values in reversed(dicts):
        if name in values:
            return values[name]
    return MISSING


def _part(value: Any, bit: str) -> Any:
    """Return an attribute or a key. Raises NotPlain where Django would do something else."""
    if type(value) is dict:
        return value[bit]
    if is_plain(value):
        return getattr(value, bit)
    raise NotPlain


def _part_or_none(value: Any, bit: str) -> Any:
    """Return the same for a condition, in which what is missing is None."""
    if type(value) is dict and bit not in value and not hasattr(dict, bit):
        return None
    return _part(value, bit)


def _holds(condition: Any, context: Context) -> Any:
    try:
        return condition.eval(context)
    except VariableDoesNotExist:  # what a filter is given
        return None


_GIVEN = {
    "SafeData": SafeData,
    "SafeString": SafeString,
    "VALUES": VALUES,
    "MISSING": MISSING,
    "NotPlain": NotPlain,
    "PLAIN": names.PLAIN,
    "conditional_escape": conditional_escape,
    "escape": escape,
    "find": _found,
    "get_language": get_language,
    "get_script_prefix": get_script_prefix,
    "holds": _holds,
    "part": _part,
    "part_or_none": _part_or_none,
    "settings": settings,
    "shown": render_value_in_context,
    "url": written_url,
}


class Lines:
    """Lines of a function that is given the context. `made`: the function."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._given: dict[str, Any] = {}
        self._depth = 1
        self._count = 0
        self._known: set[str] = set()  # names that were looked up, and mean the same still
        self._asked: dict[str, str] = {}  # what is the same for a whole rendering, and its name

    def made(self, name: str) -> Body:
        """Return the function. `name`: what profilers call it."""
        source = "\n".join(
            ["def body(context):", " dicts = context.dicts", " out = []", " add = out.append", *self._lines]
        )
        space = {**_GIVEN, **self._given}
        exec(compile(f"{source}\n return ''.join(out)", f"<{name}>", "exec"), space)  # noqa: S102 (written above)
        found: Body = space["body"]
        return found

    # --- values ---

    def _condition(self, condition: Any) -> str:
        """Write a condition, and return the name of what it is."""
        made, known = self._new(), set(self._known)
        if type(condition) is TemplateLiteral and not self._is_plain(condition.value):
            self._line(f"{made} = holds({self._refer(condition)}, context)")
            return made
        self._line("try:")
        self._depth += 1
        self._judge(condition, made)
        self._depth -= 1
        self._line(f"except Exception: {made} = holds({self._refer(condition)}, context)")
        self._known = known  # it may have ended before a name was looked up
        return made

    def _judge(self, condition: Any, made: str) -> None:
        if type(condition) is TemplateLiteral and self._is_plain(condition.value):
            self._plain(condition.value, made, missing="None")
        elif condition.id == "not":
            self._judge(condition.first, made)
            self._line(f"{made} = not {made}")
        elif condition.id in ("and", "or"):
            self._judge(condition.first, made)
            known = set(self._known)
            self._line(f"if {made}:" if condition.id == "and" else f"if not {made}:")
            self._depth += 1
            self._judge(condition.second, made)
            self._depth -= 1
            self._known = known
        elif condition.id in _COMPARED:
            other = self._new()
            self._judge(condition.first, made)
            self._judge(condition.second, other)
            self._line(f"{made} = {made} {condition.id} {other}")
        else:
            self._line(f"{made} = {self._refer(condition)}.eval(context)")

    def _is_plain(self, expression: Any) -> bool:
        if getattr(expression, "steps", None) is None:
            return self._is_constant(expression)
        bits = (expression.var.first, *expression.var.rest)
        return (
            all(bit.isidentifier() and not keyword.iskeyword(bit) for bit in bits)
            and bits[0] not in _OF_THE_CONTEXT
        )

    @staticmethod
    def _is_constant(expression: Any) -> bool:
        var = expression.var
        if expression.filters:
            return False
        if expression.is_var:
            return (
                getattr(var, "lookups", "") is None and not var.translate and not isinstance(var.literal, str)
            )
        return True

    def _value(self, expression: Any) -> str:
        """Write a value, and return the name of it."""
        if not self._is_plain(expression):
            made = self._new()
            self._line(f"{made} = {self._refer(expression.resolve)}(context)")
            return made
        if getattr(expression, "steps", None) is None:
            return self._refer(expression.var.literal if expression.is_var else expression.var)
        made, known = self._new(), set(self._known)
        self._line("try:")
        self._depth += 1
        self._plain(expression, made, missing="")
        self._depth -= 1
        self._line(f"except Exception: {made} = {self._refer(expression.resolve)}(context)")
        self._known = known | ({expression.var.first} & self._known)
        return made

    def _plain(self, expression: Any, made: str, missing: str) -> None:
        """Write a value that is plain; what it raises means that Django is asked. `missing`: what no name is."""
        if getattr(expression, "steps", None) is None:
            value = expression.var.literal if expression.is_var else expression.var
            self._line(f"{made} = {self._refer(value)}")
            return
        var, steps, further = expression.var, expression.steps, expression.further
        self._line(f"{made} = {self._name(var.first)}")
        is_bare = bool(missing) and not steps and not further
        for place, bit in enumerate(var.rest, start=1):
            part = "part_or_none" if is_bare and place == len(var.rest) else "part"
            self._line(f"{made} = {made}.{bit} if type({made}) in PLAIN else {part}({made}, {bit!r})")
        if is_bare and not var.rest:
            self._line(f"if {made} is MISSING: {made} = {missing}")
        elif not var.rest:
            self._line(f"if {made} is MISSING: raise NotPlain")
        self._line(f"if type({made}) not in VALUES and callable({made}): raise NotPlain")
        for step in steps:
            self._line(f"{made} = {self._refer(step)}({made})")
        for function, arguments, is_told, is_safe in further:
            given = [made, *(self._argument(*argument) for argument in arguments)]
            if is_told:
                given.append("autoescape=True")
            call = f"{self._refer(function)}({', '.join(given)})"
            kept = f"SafeString({call}) if isinstance({made}, SafeData) else {call}"
            self._line(f"{made} = {kept if is_safe else call}")

    def _argument(self, is_name: bool, value: Any) -> str:
        """Return what a filter is given."""
        return f"{self._refer(value.resolve)}(context)" if is_name else self._refer(value)

    def _name(self, name: str) -> str:
        if name not in self._known:
            self._line(f"n_{name} = find(dicts, {name!r})")
            self._known.add(name)
        return f"n_{name}"

    # --- lines ---

    def _line(self, line: str) -> None:
        self._lines.append(" " * self._depth + line)

    def _new(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def _once(self, call: str) -> str:
        made = self._asked.get(call)
        if made is None:
            made = self._new()
            self._line(f"{made} = {call}")
            if self._depth == 1:  # not in a branch that may not be taken
                self._asked[call] = made
        return made

    def _refer(self, value: Any) -> str:
        self._count += 1
        self._given[f"k{self._count}"] = value
        return f"k{self._count}"
