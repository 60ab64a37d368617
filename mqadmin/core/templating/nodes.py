"""Values and the most frequent tags, taken straight: they ask and keep apart what Django's own do."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import Any

from django.conf import settings
from django.template.base import Template, VariableDoesNotExist, VariableNode, render_value_in_context
from django.template.defaulttags import IfNode, TemplateLiteral, URLNode
from django.template.library import SimpleNode
from django.template.loader_tags import IncludeNode
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString


class QuickIfNode(IfNode):
    """`{% if %}`: most conditions are a value alone."""

    def __init__(self, conditions_nodelists: Any) -> None:
        super().__init__(conditions_nodelists)
        self._parts: list[tuple[Any, Any, Any]] = [
            (condition.value if type(condition) is TemplateLiteral else None, condition, nodelist)
            for condition, nodelist in conditions_nodelists
        ]

    def render(self, context: Any) -> Any:
        for value, condition, nodelist in self._parts:
            try:
                if value is not None:
                    holds = value.resolve(context, True)
                else:
                    holds = condition is None or condition.eval(context)
            except VariableDoesNotExist:  # what a filter is given
                holds = None
            if holds:
                return nodelist.render(context)
        return ""


class QuickIncludeNode(IncludeNode):
    """`{% include "a name" %}`: the template is looked for once for each rendering, as Django does."""

    def render(self, context: Any) -> Any:
        state = context.render_context
        known = state.dicts[0].get(self)
        template = known.get("") if known else None
        if template is None:
            return self._first(context, state)
        context.dicts.append({name: value.resolve(context) for name, value in self.extra_context.items()})
        before, state.template = state.template, template
        state.dicts.append({})  # what a template keeps while it renders is its own
        try:
            return template._render(context)
        finally:
            state.dicts.pop()
            state.template = before
            context.dicts.pop()

    def _first(self, context: Any, state: Any) -> Any:
        made = super().render(context)
        found: dict[Any, Template] = state.dicts[0].get(self, {})
        is_constant = not self.isolated_context and isinstance(self.template.var, str)
        if is_constant and not self.template.filters and len(found) == 1:
            found[""] = next(iter(found.values()))
        return made


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


def written_url(prefix: str, view: Any, arguments: tuple[Any, ...], node: QuickURLNode, context: Any) -> str:
    """Return what `{% url %}` renders where it is escaped. `node`: it, asked where something is not plain."""
    if type(view) in _TEXTS and ":" not in view and _PLAIN.issuperset(map(type, arguments)):
        try:
            found = _escaped if node.asvar is None else _address
            address = found(settings.ROOT_URLCONF, prefix, view, arguments)
        except NoReverseMatch:
            address = ""
        if address and node.asvar is None:
            return address
        if address:
            context[node.asvar] = address
            return ""
    rendered: str = node.render(context)
    return rendered


_TEXTS = (str, SafeString)
_PLAIN = {int, str}


@lru_cache(maxsize=5_000, typed=True)
def _escaped(urlconf: str, prefix: str, view: str, arguments: tuple[int | str, ...]) -> str:
    return escape(_address(urlconf, prefix, view, arguments))


@lru_cache(maxsize=5_000, typed=True)
def _address(_urlconf: str, _prefix: str, view: str, arguments: tuple[int | str, ...]) -> str:
    return reverse(view, args=arguments)
