"""Django's templates, with their most frequent steps taken straight: a page of a hundred rows takes 40,000 of them.

A name with dots: an object without `[]` is asked for the attribute at once, where Django raises and catches a
TypeError first. A value: text or a whole number is written as it is, without localizing. What is not one of
these plain cases goes Django's own way, with its errors. Not used with MQADMIN_DEBUG, whose error pages name the
place in a template.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from typing import Any

from django.template import TemplateDoesNotExist
from django.template.base import (
    FilterExpression,
    Lexer,
    Node,
    NodeList,
    Origin,
    Parser,
    Template,
    Token,
    Variable,
    VariableDoesNotExist,
    VariableNode,
)
from django.template.defaulttags import IfNode, URLNode
from django.template.library import SimpleNode
from django.template.loader_tags import IncludeNode
from django.template.loaders import base, cached
from django.utils.safestring import SafeString

from mqadmin.core.templating.lines import Body
from mqadmin.core.templating.names import MISSING, PLAIN, UNKNOWN, VALUES, filtered, is_plain
from mqadmin.core.templating.nodes import (
    QuickIfNode,
    QuickIncludeNode,
    QuickSimpleNode,
    QuickURLNode,
    QuickVariableNode,
)
from mqadmin.core.templating.straight import straight

_AFTER = 2  # times that a list of nodes is rendered node by node: most of a rare page are worth no function


class QuickVariable(Variable):
    """A name: `row.queue.name`."""

    __slots__ = ("first", "rest")

    def __init__(self, var: str) -> None:
        super().__init__(var)
        self.first, *rest = self.lookups or ()
        self.rest = tuple(rest)

    def resolve(self, context: Any) -> Any:
        found = self.found(context)
        return super().resolve(context) if found is UNKNOWN or found is MISSING else found

    def found(self, context: Any) -> Any:
        """Return the value; UNKNOWN where it is not plain how it is got, MISSING where there is none."""
        first = self.first
        for values in reversed(context.dicts):
            if first in values:
                current = values[first]
                break
        else:
            return UNKNOWN if hasattr(context, first) else MISSING
        try:
            for bit in self.rest:
                kind = type(current)
                if kind in PLAIN:
                    current = getattr(current, bit)
                elif kind is dict:
                    if bit not in current and not hasattr(dict, bit) and not bit.isdigit():
                        return MISSING
                    current = current[bit]
                elif is_plain(current):
                    current = getattr(current, bit)
                else:
                    return UNKNOWN
        except Exception:  # Django meets it again, and knows which ones count
            return UNKNOWN
        kind = type(current)
        if kind in VALUES or kind in PLAIN or not callable(current):
            return UNKNOWN if self.translate else current  # `{% translate NAME %}` sets that later
        return UNKNOWN


class QuickExpression(FilterExpression):
    """A name and its filters: `queue.ready|number`."""

    __slots__ = ("further", "steps")

    def __init__(self, token: str, parser: Parser) -> None:
        super().__init__(token, parser)
        self.var = _quick(self.var)
        self.filters = [
            (function, [(is_name, _quick(value)) for is_name, value in arguments])
            for function, arguments in self.filters
        ]
        # None: goes Django's way.
        self.steps: list[Any] | None = None
        self.further: tuple[Any, ...] = ()
        if type(self.var) is QuickVariable and not any(map(_is_special, self.filters)):
            bare = list(takewhile(_is_bare, self.filters))
            self.steps = [function for function, _none in bare]
            self.further = tuple(_step(*step) for step in self.filters[len(bare) :])

    def resolve(self, context: Any, ignore_failures: bool = False) -> Any:
        steps = self.steps
        if steps is None:
            # A constant, unless `{% translate %}` made a name of it.
            is_constant = not self.is_var and not self.filters
            return self.var if is_constant else super().resolve(context, ignore_failures)
        value = self.var.found(context)
        if value is MISSING:
            if ignore_failures:
                value = None
            elif context.template.engine.string_if_invalid:
                return super().resolve(context, ignore_failures)
            else:
                value = ""
        elif value is UNKNOWN:
            try:
                value = self.var.resolve(context)
            except VariableDoesNotExist:
                return super().resolve(context, ignore_failures)
        for step in steps:
            value = step(value)
        return filtered(value, self.further, context) if self.further else value


def _quick(value: Any) -> Any:
    if type(value) is Variable and value.lookups is not None and not value.translate:
        return QuickVariable(str(value.var))
    return value


def _is_special(step: Any) -> bool:
    return bool(getattr(step[0], "expects_localtime", False))


def _is_bare(step: Any) -> bool:
    """Whether a filter is told nothing but the value."""
    function, arguments = step
    return not arguments and not any(
        getattr(function, flag, False) for flag in ("needs_autoescape", "is_safe")
    )


def _step(function: Any, arguments: Any) -> tuple[Any, Any, bool, bool]:
    """Return a filter, its arguments, whether it is told of escaping, whether what is safe stays so."""
    known = [
        # A number is read once.
        (False, one.literal) if is_name and type(one) is Variable and one.lookups is None else (is_name, one)
        for is_name, one in arguments
    ]
    told, safe = (bool(getattr(function, flag, False)) for flag in ("needs_autoescape", "is_safe"))
    return function, known, told, safe


class QuickNodeList(NodeList):
    """What stands between two tags: node by node at first, as a function of its own when it is asked for again."""

    def __init__(self, *nodes: Any) -> None:
        super().__init__(*nodes)
        self._asked = 0
        self._body: Body | None = None

    def render(self, context: Any) -> SafeString:
        if not context.autoescape or self._asked < _AFTER:
            self._asked += 1
            return SafeString("".join([node.render(context) for node in self]))
        if self._body is None:
            self._body = straight(self)
        return SafeString(self._body(context))


class QuickParser(Parser):
    """Reads a template into the above."""

    def compile_filter(self, token: str) -> FilterExpression:
        return QuickExpression(token, self)

    def parse(self, parse_until: Any = None) -> NodeList:
        found = super().parse(parse_until)
        made = QuickNodeList(found)
        made.contains_nontext = found.contains_nontext
        return made

    def extend_nodelist(self, nodelist: NodeList, node: Node, token: Token) -> None:
        if type(node) is VariableNode:
            node = QuickVariableNode(node.filter_expression)
        elif type(node) is URLNode:
            node = QuickURLNode(node.view_name, node.args, node.kwargs, node.asvar)
        elif type(node) is SimpleNode:
            node = QuickSimpleNode(node.func, node.takes_context, node.args, node.kwargs, node.target_var)
        elif type(node) is IfNode:
            node = QuickIfNode(node.conditions_nodelists)
        elif type(node) is IncludeNode:
            node = QuickIncludeNode(
                node.template, extra_context=node.extra_context, isolated_context=node.isolated_context
            )
        super().extend_nodelist(nodelist, node, token)


class QuickTemplate(Template):
    """A template as it is rendered."""

    def compile_nodelist(self) -> NodeList:
        engine = self.engine
        tokens = Lexer(self.source).tokenize()
        parser = QuickParser(tokens, engine.template_libraries, engine.template_builtins, self.origin)
        nodelist = parser.parse()
        self.extra_data = parser.extra_data
        return nodelist


class _Reading(base.Loader):
    get_contents: Callable[[Origin], str]  # each loader's own

    def get_template(self, template_name: str, skip: list[Origin] | None = None) -> Template:
        tried = []
        for origin in self.get_template_sources(template_name):
            if skip is not None and origin in skip:
                tried.append((origin, "Skipped to avoid recursion"))
                continue
            try:
                contents = self.get_contents(origin)
            except TemplateDoesNotExist:
                tried.append((origin, "Source does not exist"))
                continue
            return QuickTemplate(contents, origin, str(origin.template_name), self.engine)
        raise TemplateDoesNotExist(template_name, tried=tried)


class Loader(cached.Loader, _Reading):
    """Reads each template once."""
