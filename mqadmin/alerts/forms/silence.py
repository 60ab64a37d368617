"""The form of a silence, now or as a maintenance window."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.alerts.forms.fields import broker_field, dress, queues_field
from mqadmin.alerts.models import Rule

_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]


class SilenceForm(forms.Form):
    """What is silenced, from when to when, and why."""

    reason = forms.CharField(max_length=300)
    begins_at = forms.DateTimeField(input_formats=_FORMATS)
    ends_at = forms.DateTimeField(input_formats=_FORMATS)
    rule = forms.ModelChoiceField(Rule.objects.all(), required=False)

    def __init__(self, data: Any = None, *, initial: Any = None) -> None:
        now = timezone.localtime().replace(second=0, microsecond=0)
        super().__init__(
            data, initial={"begins_at": now, "ends_at": now + timedelta(hours=2), **(initial or {})}
        )
        self.fields["broker"] = broker_field()
        self.fields["queues"] = queues_field()
        for name in ("begins_at", "ends_at"):
            self.fields[name].widget = forms.DateTimeInput(
                attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
            )
        zone = timezone.get_current_timezone_name()
        labels = {
            "reason": (_("Why"), _("Stands beside it: deployment 4.2, new disks.")),
            "begins_at": (_("Begins"), _("In the time zone %(zone)s.") % {"zone": zone}),
            "ends_at": (_("Ends"), _("It ends by itself.")),
            "rule": (_("Rule"), ""),
        }
        for name, (label, text) in labels.items():
            self.fields[name].label = label
            self.fields[name].help_text = text
        self.fields["rule"].empty_label = _("all rules")  # type: ignore[attr-defined]
        dress(self)
