"""Tags and filters that join words as the reader's language does; in every template (settings: builtins)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from mqadmin.core import wording
from mqadmin.core.pages import audited, prose
from mqadmin.core.templatetags.mqadmin import name

register = template.Library()

# A name is left as it is, and so is what is written in a field; a sentence with names in it ends like any other.
_KEPT = r"<(?:bdi\b.*?</bdi|code\b.*?</code|pre\b.*?</pre|textarea\b.*?</textarea)>"
_GAP = re.compile(
    rf"(?P<before>(?:{_KEPT}|[{prose.WIDE}])(?:</\w+>)*)(?P<gap>\s+)(?=<(?:b|a|span|bdi|code|small)\b|[^\s<])|{_KEPT}",
    re.DOTALL,
)
_ENDING = re.compile(rf"[{prose.WIDE}](?:</\w+>)*$")


@register.filter
def names(values: Iterable[object] | None) -> SafeString:
    """Show names, with commas between them."""
    return SafeString(prose.between_names().join(name(value) for value in values or ()))


register.filter("listed", prose.listed)
register.filter("ended", prose.ended)
register.filter("audit_target", audited.target)
register.filter("audit_actor", audited.actor)
register.filter("audit_via", audited.via)


@register.simple_tag
def comma() -> str:
    """Write the sign between parts of a sentence, with its blank."""
    return prose.comma()


@register.simple_tag
def between_names() -> str:
    """Write the sign between names that stand side by side, with its blank."""
    return prose.between_names()


@register.simple_tag
def colon() -> str:
    """Write the sign behind a label, with its blank."""
    return prose.colon()


@register.simple_tag
def told(title: str, *texts: Any) -> SafeString:
    """Show a title as a sentence, bold, and what is said of it: `{% told fault.0 fault.1 %}`."""
    said = prose.ended(str(title))
    sentences = [str(conditional_escape(text)) for text in texts if text]
    rest = prose.paragraph(sentences)
    return SafeString(f"<b>{conditional_escape(said)}</b>{prose.gap(said) if rest else ''}{rest}")


class ProseNode(template.Node):
    """What stands in `{% prose %}`."""

    def __init__(self, inside: template.NodeList) -> None:
        self.inside = inside

    def render(self, context: template.Context) -> SafeString:
        """Return it, in a language with full-width signs without a blank behind them."""
        html = self.inside.render(context)
        return html if wording.is_english() else SafeString(_GAP.sub(_closed, html))


@register.tag("prose")
def prose_tag(parser: template.base.Parser, _token: template.base.Token) -> ProseNode:
    """Close the gaps between sentences in languages that have none: `{% prose %}… {% endprose %}`."""
    inside = parser.parse(("endprose",))
    parser.delete_first_token()
    return ProseNode(inside)


def _closed(found: re.Match[str]) -> str:
    before = found["before"]
    return before if before and _ENDING.search(before) else found[0]
