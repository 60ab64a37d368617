"""What stands between two tags, as one function of Python: what is plain runs without a step in between.

A node of Django's looks its name up in the context, its attributes one after the other, and calls its filters,
through eight functions. Here the same is written down once for all nodes of a list and those within its
`{% if %}`s and `{% include %}`s: a name is looked up once, an attribute is an attribute. What is not plain (a
callable, a list's index, a name that is missing) is left to the node itself, which knows what Django does, errors
too; so is every tag that is not named here.

No text of a template becomes code: attributes are names (checked), all else is referred to.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from django.conf import settings
from django.template import Engine, TemplateDoesNotExist
from django.template.base import Node, NodeList, TextNode, VariableDoesNotExist, render_value_in_context
from django.template.context import Context, RequestContext
from django.template.defaulttags import ForNode, TemplateLiteral, WithNode
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.urls import get_script_prefix
from django.utils.html import conditional_escape
from django.utils.safestring import SafeData, SafeString
from django.utils.translation import get_language

from mqadmin.core.templating import names
from mqadmin.core.templating.names import MISSING, VALUES, NotPlain, is_plain
from mqadmin.core.templating.nodes import (
    QuickIfNode,
    QuickIncludeNode,
    QuickSimpleNode,
    QuickURLNode,
    QuickVariableNode,
    written_url,
)

Body = Callable[[Context], str]
"""Renders what it was made of. The context escapes."""

_OF_THE_CONTEXT = {
    *dir(RequestContext(None)),
    *dir(Context()),
}  # Django finds these when no value has the name
_COMPARED = {"==", "!=", ">", ">=", "<", "<=", "in", "not in", "is", "is not"}
_LEAVES_NAMES = {QuickIncludeNode, QuickURLNode, BlockTranslateNode, ForNode, WithNode}  # as they were

_BARE = {TextNode, QuickVariableNode, QuickIfNode, QuickSimpleNode, TranslateNode, *_LEAVES_NAMES}


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
    "settings": settings,
    "shown": render_value_in_context,
    "url": written_url,
}


def _included(node: QuickIncludeNode) -> NodeList | None:
    """Return what an `{% include %}` of a plain template stands for; None: it keeps something of its own."""
    named = node.template
    if node.isolated_context or named.is_var or named.filters or not isinstance(named.var, str):
        return None
    try:
        found = Engine.get_default().get_template(named.var)
    except TemplateDoesNotExist:
        return None
    return found.nodelist if _is_bare(found.nodelist) else None


def _is_bare(nodes: Iterable[Node]) -> bool:
    """Whether there is nothing among nodes that keeps something for as long as its template is rendered."""
    for node in nodes:
        if type(node) is QuickIncludeNode and _included(node) is None:
            return False
        if type(node) not in _BARE or not all(
            _is_bare(getattr(node, name, ())) for name in node.child_nodelists
        ):
            return False
    return True


class Writer:
    """Writes the function: `add_nodes` and its kin, then `made`."""

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

    # --- what is written ---

    def add_nodes(self, nodes: Iterable[Node]) -> None:
        """Write what each of them renders."""
        text = ""
        for node in nodes:
            if type(node) is TextNode:
                text += node.s
                continue
            self.add_text(text)
            text = ""
            self._add(node)
        self.add_text(text)

    def add_text(self, text: str) -> None:
        """Write a text as it is."""
        if text:
            self._line(f"add({self._refer(text)})")

    def add_stripped(self, nodes: Iterable[Node], otherwise: str = "") -> None:
        """Write what they render without the white space around it; `otherwise`: where that is nothing."""
        inside = [node for node in nodes if not (type(node) is TextNode and not node.s.strip())]
        outer = self._new()
        self._line(f"{outer} = out; out = []; add = out.append")
        self.add_nodes(inside)
        self._line(f"piece = ''.join(out).strip(); out = {outer}; add = out.append")
        self._line(f"add(piece or {self._refer(otherwise)})" if otherwise else "add(piece)")

    def add_made(self, render: Callable[[Context], str]) -> None:
        """Write what a function of the context returns. It may give names other meanings."""
        self._line(f"add({self._refer(render)}(context))")
        self._known.clear()

    def add_tag(self, opening: Callable[..., str], values: Mapping[str, Any]) -> None:
        """Write a tag: what `opening` makes of values by name."""
        given = [f"{name!r}: {self._value(value)}" for name, value in values.items()]
        self._line(f"add({self._refer(opening)}(**{{{', '.join(given)}}}))")

    def set_name(self, name: str, expression: Any) -> None:
        """Give a value a name, for what comes after."""
        value = self._value(expression)
        self._line(f"dicts[-1][{name!r}] = {value}")
        self._known.discard(name)

    # --- nodes ---

    def _add(self, node: Any) -> None:
        if type(node) is QuickVariableNode:
            self._add_variable(node)
        elif type(node) is QuickIfNode:
            self._add_if(node)
        elif type(node) is QuickSimpleNode:
            self._add_simple(node)
        elif type(node) is TranslateNode:
            self._add_translation(node)
        elif type(node) is QuickURLNode and not node.asvar and not node.kwargs:
            self._add_url(node)
        elif type(node) is QuickIncludeNode and (inside := _included(node)) is not None:
            self._add_included(node, inside)
        else:
            known = set(self._known)
            self.add_made(node.render_annotated)
            if type(node) in _LEAVES_NAMES and not getattr(node, "asvar", None):
                self._known = known

    def _add_variable(self, node: Any) -> None:
        value = self._value(node.filter_expression)
        self._line(f"kind = type({value})")
        self._line(f"if kind is SafeString: add({value})")
        self._line(f"elif kind is str: add(escape({value}))")
        self._line(f"elif kind is int and not settings.USE_THOUSAND_SEPARATOR: add(str({value}))")
        self._line(f"else: add(shown({value}, context))")

    def _add_simple(self, node: Any) -> None:
        values = [self._value(value) for value in node.args]
        values += [f"{name}={self._value(value)}" for name, value in node.kwargs.items()]
        if node.takes_context:
            values.insert(0, "context")
        made = self._new()
        self._line(f"{made} = {self._refer(node.func)}({', '.join(values)})")
        if node.target_var is not None:
            self._line(f"dicts[-1][{node.target_var!r}] = {made}")
            self._known.discard(node.target_var)
        else:
            self._line(f"add({made} if type({made}) is SafeString else conditional_escape({made}))")
        if node.takes_context:
            self._known.clear()

    def _add_url(self, node: Any) -> None:
        view, *values = (self._value(value) for value in (node.view_name, *node.args))
        prefix = self._once("get_script_prefix()")
        arguments = "".join(f"{value}, " for value in values)
        self._line(f"add(url({prefix}, {view}, ({arguments}), {self._refer(node)}, context))")

    def _add_translation(self, node: Any) -> None:
        expression = node.filter_expression
        is_text = getattr(expression.var, "lookups", "") is None and not expression.filters
        if node.asvar or node.message_context or not is_text:
            known = self._known - {node.asvar}
            self.add_made(node.render_annotated)
            self._known = known
            return
        language = self._once("get_language()")
        known, made = self._refer({}), self._new()
        self._line(f"{made} = {known}.get({language})")
        self._line(f"if {made} is None: {made} = {known}[{language}] = {self._refer(node.render)}(context)")
        self._line(f"add({made})")

    def _add_if(self, node: Any) -> None:
        before, depth = set(self._known), self._depth
        after: set[str] | None = None
        for condition, nodelist in node.conditions_nodelists:
            if condition is not None:
                self._line(f"if {self._condition(condition)}:")
            else:
                self._line("if True:")
            had = set(self._known)
            self._depth += 1
            self._line("pass")
            self.add_nodes(nodelist)
            self._depth -= 1
            after = self._known if after is None else after & self._known
            self._known = had
            if condition is None:
                break
            self._line("else:")
            self._depth += 1
            self._line("pass")
        self._depth = depth
        self._known = before & (after or set()) & self._known

    def _add_included(self, node: Any, inside: NodeList) -> None:
        values = {name: self._value(value) for name, value in node.extra_context.items()}
        before = self._known - {*values}
        self._known = set(before)
        self._line(f"dicts.append({{{', '.join(f'{name!r}: {value}' for name, value in values.items())}}})")
        self._line("try:")
        self._depth += 1
        self._line("pass")
        self.add_nodes(inside)
        self._depth -= 1
        self._line("finally: dicts.pop()")
        self._known &= before

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
        if expression.steps is None:
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
        if expression.steps is None:
            value = expression.var.literal if expression.is_var else expression.var
            self._line(f"{made} = {self._refer(value)}")
            return
        var, steps, further = expression.var, expression.steps, expression.further
        self._line(f"{made} = {self._name(var.first)}")
        for bit in var.rest:
            self._line(f"{made} = {made}.{bit} if type({made}) in PLAIN else part({made}, {bit!r})")
        if missing and not var.rest and not steps and not further:
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


def straight(nodes: Iterable[Node], name: str = "template") -> Body:
    """Return a function that renders these nodes."""
    writer = Writer()
    writer.add_nodes(nodes)
    return writer.made(name)
