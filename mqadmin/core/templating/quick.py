"""Django's templates, with their most frequent steps taken straight: a page of a hundred rows takes 40,000 of them.

A name with dots: an object without `[]` is asked for the attribute at once, where Django raises and catches a
TypeError first. A value: text or a whole number is written as it is, without localizing. What is not one of
these plain cases goes Django's own way, with its errors. Not used with MQADMIN_DEBUG, whose error pages name the
place in a template.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from html import escape
from itertools import takewhile
from typing import Any

from django.conf import settings
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
    render_value_in_context,
)
from django.template.defaulttags import IfNode, URLNode
from django.template.library import SimpleNode
from django.template.loader_tags import IncludeNode
from django.template.loaders import base, cached
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.html import conditional_escape
from django.utils.safestring import SafeData, SafeString

from mqadmin.core.templating.nodes import QuickIfNode, QuickIncludeNode

_plain: set[type] = set()  # types that have no `[]`, of which nothing can be called
_VALUES = {str, SafeString, int, float, bool, type(None)}  # types of which nothing can be called
_UNKNOWN = object()  # not plain how it is got: Django knows
_MISSING = object()  # there is none


class QuickVariable(Variable):
    """A name: `row.queue.name`."""

    __slots__ = ("first", "rest")

    def __init__(self, var: str) -> None:
        super().__init__(var)
        self.first, *rest = self.lookups or ()
        self.rest = tuple(rest)

    def resolve(self, context: Any) -> Any:
        found = self.found(context)
        return super().resolve(context) if found is _UNKNOWN or found is _MISSING else found

    def found(self, context: Any) -> Any:
        """Return the value; _UNKNOWN where it is not plain how it is got, _MISSING where there is none."""
        first = self.first
        for values in reversed(context.dicts):
            if first in values:
                current = values[first]
                break
        else:
            return _UNKNOWN if hasattr(context, first) else _MISSING
        try:
            for bit in self.rest:
                kind = type(current)
                if kind in _plain:
                    current = getattr(current, bit)
                elif kind is dict:
                    if bit not in current and not hasattr(dict, bit) and not bit.isdigit():
                        return _MISSING
                    current = current[bit]
                elif _is_plain(current):
                    current = getattr(current, bit)
                else:
                    return _UNKNOWN
        except Exception:  # Django meets it again, and knows which ones count
            return _UNKNOWN
        kind = type(current)
        if kind in _VALUES or kind in _plain or not callable(current):
            return _UNKNOWN if self.translate else current  # `{% translate NAME %}` sets that later
        return _UNKNOWN


def _is_plain(value: Any) -> bool:
    if callable(value) or hasattr(type(value), "__getitem__"):
        return False
    _plain.add(type(value))
    return True


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
        if value is _MISSING:
            if ignore_failures:
                value = None
            elif context.template.engine.string_if_invalid:
                return super().resolve(context, ignore_failures)
            else:
                value = ""
        elif value is _UNKNOWN:
            try:
                value = self.var.resolve(context)
            except VariableDoesNotExist:
                return super().resolve(context, ignore_failures)
        for step in steps:
            value = step(value)
        return _filtered(value, self.further, context) if self.further else value


def _filtered(value: Any, further: Any, context: Any) -> Any:
    """Return what filters with arguments make of a value, as Django calls them."""
    for function, arguments, is_told, is_safe in further:
        given = [one.resolve(context) if is_name else one for is_name, one in arguments]
        made = function(value, *given, autoescape=context.autoescape) if is_told else function(value, *given)
        value = SafeString(made) if is_safe and isinstance(value, SafeData) else made
    return value


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


class QuickVariableNode(VariableNode):
    """`{{ an expression }}`."""

    def render(self, context: Any) -> Any:
        value = self.filter_expression.resolve(context)
        kind = type(value)
        if kind is SafeString:
            return value
        if context.autoescape:
            if kind is str:
                return escape(value)
            if kind is int and not settings.USE_THOUSAND_SEPARATOR:
                return str(value)
        return render_value_in_context(value, context)

    render_annotated = render


class QuickURLNode(URLNode):
    """`{% url %}`: a table has the same addresses each time."""

    def render(self, context: Any) -> Any:
        view = self.view_name.resolve(context)
        if self.kwargs or ":" in view:
            return super().render(context)
        arguments = tuple(argument.resolve(context) for argument in self.args)
        if not all(type(argument) in (int, str) for argument in arguments):
            return super().render(context)
        try:
            found = _address(settings.ROOT_URLCONF, get_script_prefix(), view, arguments)
        except NoReverseMatch:
            return super().render(context)
        if self.asvar:
            context[self.asvar] = found
            return ""
        return escape(found) if context.autoescape else found


class QuickSimpleNode(SimpleNode):
    """A tag that is a function: `{% pill %}`."""

    def render(self, context: Any) -> Any:
        values = [value.resolve(context) for value in self.args]
        named = {name: value.resolve(context) for name, value in self.kwargs.items()}
        found = self.func(context, *values, **named) if self.takes_context else self.func(*values, **named)
        if self.target_var is not None:
            context[self.target_var] = found
            return ""
        return conditional_escape(found) if context.autoescape and type(found) is not SafeString else found


@lru_cache(maxsize=5_000, typed=True)
def _address(_urlconf: str, _prefix: str, view: str, arguments: tuple[int | str, ...]) -> str:
    return reverse(view, args=arguments)


class QuickNodeList(NodeList):
    """What stands between two tags."""

    def render(self, context: Any) -> SafeString:
        return SafeString("".join([node.render(context) for node in self]))


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
