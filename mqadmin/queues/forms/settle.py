"""What is set on a queue, or by a rule on all that match: a form made from the table of thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from mqadmin.core.errors import Refusal
from mqadmin.core.pages.forms import style
from mqadmin.queues.health import thresholds
from mqadmin.queues.models import Queue, Standing

_MOMENTS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
_UNITS = {
    thresholds.MESSAGES: gettext_lazy("messages"),
    thresholds.SECONDS: gettext_lazy("seconds"),
    thresholds.PERCENT: gettext_lazy("percent"),
    thresholds.CONSUMERS: gettext_lazy("consumers"),
}


class SettingsForm(forms.Form):
    """Owner, mute, thresholds. The services have the last word; `blame` puts their refusals beside the fields."""

    owner = forms.CharField(
        required=False,
        label=gettext_lazy("Owner"),
        help_text=gettext_lazy("Who answers for it: a team, a person, a channel."),
    )
    muted_until = forms.DateTimeField(
        required=False,
        label=gettext_lazy("Muted until"),
        help_text=gettext_lazy(
            "Until then it needs nobody's attention and alerts nobody. Its verdict stays."
        ),
        input_formats=_MOMENTS,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_MOMENTS[0]),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for item in thresholds.TABLE:
            self.fields[_field(item.name)] = forms.FloatField(
                required=False,
                label=str(item.label),
                help_text=str(item.help),
                widget=forms.NumberInput(attrs={"min": 0, "step": "any"}),
            )
            self.fields[_field(item.name)].widget.attrs["placeholder"] = (
                "–" if item.default is None else f"{item.default:g}"
            )
        style(self)

    @property
    def limits(self) -> list[tuple[Any, str]]:
        """The fields of thresholds, each with its unit."""
        return [(self[_field(item.name)], str(_UNITS[item.unit])) for item in thresholds.TABLE]

    @property
    def thresholds(self) -> dict[str, float]:
        """What was given, by its name."""
        given = {item.name: self.cleaned_data.get(_field(item.name)) for item in thresholds.TABLE}
        return {
            name: int(value) if value.is_integer() else value
            for name, value in given.items()
            if value is not None
        }

    def blame(self, refusal: Refusal) -> None:
        """Show a refusal beside the fields that are to blame, or above all."""
        known = {name: text for name, text in refusal.fields.items() if _own(name) in self.fields}
        for name, text in known.items():
            self.add_error(_own(name), text)
        if not known:
            self.add_error(None, refusal.text)


class QueueForm(SettingsForm):
    """The same for one queue, with a note. `seen` guards against what somebody else set meanwhile."""

    note = forms.CharField(
        required=False,
        label=gettext_lazy("Note"),
        help_text=gettext_lazy("What one must know at 3 a.m.: whom to call, what may be purged, a link."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    field_order = ("owner", "note", "muted_until")

    @classmethod
    def of(cls, queue: Queue, seen: str) -> QueueForm:
        return cls(initial={**initial(queue), "note": queue.note, "seen": seen})


class RuleForm(SettingsForm):
    """The same for all queues that a search finds."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    query = forms.CharField(
        label=gettext_lazy("Queues"),
        help_text=gettext_lazy(
            "By what they are: vhost:prod, name:orders*, -name:/^amq/, type:quorum, policy:ha, is:inbox."
        ),
    )
    sets_limits = forms.BooleanField(required=False, label=gettext_lazy("This rule sets thresholds"))

    field_order = ("name", "query", "owner", "muted_until", "sets_limits")

    @classmethod
    def of(cls, standing: Standing) -> RuleForm:
        known = {
            "name": standing.name,
            "query": standing.query,
            "sets_limits": standing.thresholds is not None,
        }
        return cls(initial={**initial(standing), **known})

    def clean(self) -> dict[str, Any]:
        """Thresholds that are typed are meant."""
        super().clean()
        if self.thresholds:
            self.cleaned_data["sets_limits"] = True
        return self.cleaned_data


def initial(row: Queue | Standing) -> dict[str, Any]:
    """Return what a row has, as the form's fields."""
    found: Mapping[str, Any] = row.thresholds or {}
    return {
        "owner": row.owner,
        "muted_until": row.muted_until,
        **{_field(name): value for name, value in found.items() if name in thresholds.NAMES},
    }


def _field(name: str) -> str:
    return f"limit_{name}"


def _own(name: str) -> str:
    """Return the form's field for a service's."""
    return _field(name.removeprefix("thresholds.")) if name.startswith("thresholds.") else name
