"""`{% if %}` and `{% include %}`, taken straight: they ask and keep apart what Django's own do."""

from __future__ import annotations

from typing import Any

from django.template.base import Template, VariableDoesNotExist
from django.template.defaulttags import IfNode, TemplateLiteral
from django.template.loader_tags import IncludeNode


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
