"""What stands between two tags, as one function of Python: what is plain runs without a step in between.

A node of Django's looks its name up in the context, its attributes one after the other, and calls its filters,
through eight functions. Here the same is written down once for all nodes of a list and those within its
`{% if %}`s and `{% include %}`s: a name is looked up once, an attribute is an attribute. What is not plain (a
callable, a list's index, a name that is missing) is left to the node itself, which knows what Django does, errors
too; so is every tag that is not named here.

No text of a template becomes code: attributes are names (checked), all else is referred to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.template import Engine, TemplateDoesNotExist
from django.template.base import Node, NodeList, TextNode
from django.template.context import Context
from django.template.defaulttags import ForNode, LoadNode, WithNode
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

from mqadmin.core.templating.lines import Body, Lines
from mqadmin.core.templating.nodes import (
    QuickIfNode,
    QuickIncludeNode,
    QuickSimpleNode,
    QuickURLNode,
    QuickVariableNode,
)

_LEAVES_NAMES = {QuickIncludeNode, QuickURLNode, BlockTranslateNode, ForNode, WithNode}  # as they were

_BARE = {TextNode, QuickVariableNode, QuickIfNode, QuickSimpleNode, TranslateNode, *_LEAVES_NAMES}


def _included(node: Any, within: tuple[str, ...] = ()) -> NodeList | None:
    """Return what an `{% include %}` of a plain template stands for; None: it keeps something of its own.

    `within`: the templates around it, of which it is none.
    """
    named = node.template
    if node.isolated_context or named.is_var or named.filters or not isinstance(named.var, str):
        return None
    if named.var in within:
        return None
    try:
        found: NodeList = Engine.get_default().get_template(named.var).nodelist
    except TemplateDoesNotExist:
        return None
    return found if _is_bare(found, (*within, named.var)) else None


def _is_bare(nodes: Iterable[Node], within: tuple[str, ...]) -> bool:
    """Whether there is nothing among nodes that keeps something for as long as its template is rendered."""
    for node in nodes:
        if type(node) not in _BARE:
            return False
        if type(node) is QuickIncludeNode and _included(node, within) is None:
            return False
        if not all(_is_bare(getattr(node, name, ()), within) for name in node.child_nodelists):
            return False
    return True


class Writer(Lines):
    """Writes the function: `add_nodes` and its kin, then `made`."""

    # --- what is written ---

    def add_nodes(self, nodes: Iterable[Node]) -> None:
        """Write what each of them renders."""
        text = ""
        for node in nodes:
            if type(node) is LoadNode:  # done when it was read
                continue
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
        elif type(node) is QuickURLNode and not node.kwargs:
            self._add_url(node)
        elif type(node) is QuickIncludeNode and (inside := _included(node)) is not None:
            self._add_included(node, inside)
        else:
            known = set(self._known)
            self.add_made(node.render_annotated)
            if type(node) in _LEAVES_NAMES and not getattr(node, "asvar", None):
                self._known = known

    def _add_variable(self, node: Any) -> None:
        are_plain = self._once("not settings.USE_THOUSAND_SEPARATOR")
        value = self._value(node.filter_expression)
        self._line(f"kind = type({value})")
        self._line(f"if kind is SafeString: add({value})")
        self._line(f"elif kind is str: add(escape({value}))")
        self._line(f"elif kind is int and {are_plain}: add(str({value}))")
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
        self._known.discard(node.asvar)

    def _add_translation(self, node: Any) -> None:
        expression = node.filter_expression
        is_text = getattr(expression.var, "lookups", "") is None and not expression.filters
        if node.asvar or node.message_context or not is_text:
            meant = self._known - {node.asvar}
            self.add_made(node.render_annotated)
            self._known = meant
            return
        language = self._once("get_language()")
        said, made = self._refer({}), self._new()
        self._line(f"{made} = {said}.get({language})")
        self._line(f"if {made} is None: {made} = {said}[{language}] = {self._refer(node.render)}(context)")
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
            after = set(self._known) if after is None else after & self._known
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


def straight(nodes: Iterable[Node], name: str = "template") -> Body:
    """Return a function that renders these nodes."""
    writer = Writer()
    writer.add_nodes(nodes)
    return writer.made(name)
