"""The tag that shows a trace: a link to where traces are looked at (MQADMIN_TRACE_URL), and its id to be copied."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from mqadmin.core.templatetags.mqadmin import icon_tag

register = template.Library()


@register.simple_tag
def trace(trace_id: str) -> SafeString:
    """Return the trace's id; a link where a template of addresses is set. A click selects the whole id."""
    address = settings.MQADMIN_TRACE_URL
    shown = format_html('<code class="plain trace-id">{}</code>', trace_id)
    if address:
        words = _("Open the trace")
        shown = format_html(
            '<a class="quiet trace-link" href="{}" target="_blank" rel="noopener noreferrer" title="{}">{} {}</a>',
            address.replace("{trace_id}", trace_id),
            words,
            shown,
            icon_tag("external-link", 13),
        )
    return format_html(
        '<span class="trace-of">{}<button type="button" class="copy needs-js" data-copy="{}" data-copied="{}" '
        'title="{}" aria-label="{}">{}</button></span>',
        shown,
        trace_id,
        _("The trace id is copied."),
        _("Copy the trace id"),
        _("Copy the trace id"),
        icon_tag("copy", 13),
    )
