"""Whether what a person asks of a rule, a channel or a silence makes sense; a fault stands beside its field."""

from __future__ import annotations

import math
import zoneinfo
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.alerts.models import Channel, Rule
from mqadmin.alerts.rules import fields, queues_of, variables
from mqadmin.core import brokers
from mqadmin.rabbit.errors import ConfigurationError

LONGEST_S = 30 * 86_400
_COUNTED = (Rule.About.LETTERS, Rule.About.CAUSE)
# What a rule may be narrowed to by queues: the rest is about no queue.
ABOUT_QUEUES = frozenset({"verdict", "number", "rate", "lag", "letters", "cause", "new_cause", "consumer"})


def rule(found: Rule) -> dict[str, str]:
    """Return the faults of a rule by field; {} for none."""
    faults = where(found.broker, found.queues)
    if not found.name.strip():
        faults["name"] = _("Give it a name.")
    if found.about not in Rule.About.values:
        faults["about"] = _("Choose what it is about.")
        return faults
    if found.queues and found.about not in ABOUT_QUEUES:
        faults["queues"] = _("What this rule is about is no queue: leave it empty.")
    faults |= _compared(found)
    if found.about in (Rule.About.VERDICT, Rule.About.BROKER_REASON) and found.level not in (
        "broken",
        "watch",
    ):
        faults["level"] = _("Choose “broken” or “watch”.")
    if not isinstance(found.codes, list) or not all(isinstance(code, str) and code for code in found.codes):
        faults["codes"] = _("A list of words.")
    elif found.about == Rule.About.CAUSE and not found.codes:
        faults["codes"] = _("Name the cause.")
    elif found.about == Rule.About.PROCESS_AWAY and set(found.codes) - fields.PROCESSES.keys():
        faults["codes"] = _("Of these: %(words)s.") % {"words": ", ".join(fields.PROCESSES)}
    elif found.about == Rule.About.APPROVAL and set(found.codes) - fields.APPROVALS.keys():
        faults["codes"] = _("Of these: %(words)s.") % {"words": ", ".join(fields.APPROVALS)}
    for name in ("for_s", "clear_s", "repeat_s", "window_s"):
        if not 0 <= getattr(found, name) <= LONGEST_S:
            faults[name] = _("Between 0 and 30 days.")
    if 0 < found.repeat_s < 60:
        faults["repeat_s"] = _("A minute at least, or 0 for never.")
    if found.about in (*_COUNTED, Rule.About.NEW_CAUSE) and found.window_s < 60:
        faults["window_s"] = _("A minute at least.")
    return faults


def channel(found: Channel) -> dict[str, str]:
    """Return the faults of a channel by field; {} for none. A variable that is not set here is none."""
    faults = where(found.broker, found.queues)
    if not found.name.strip():
        faults["name"] = _("Give it a name.")
    elif Channel.objects.filter(name=found.name).exclude(pk=found.pk).exists():
        faults["name"] = _("There is a channel of this name.")
    if fault := variables.name_fault(found.variable):
        faults["variable"] = fault
    if found.kind == Channel.Kind.WEBHOOK and (fault := variables.name_fault(found.secret_variable)):
        faults["secret_variable"] = fault
    if (found.quiet_from is None) != (found.quiet_until is None):
        faults["quiet_until"] = _("Quiet hours need a beginning and an end.")
    elif found.quiet_from is not None and found.quiet_from == found.quiet_until:
        faults["quiet_until"] = _("They end when they begin: leave both empty for none.")
    if found.time_zone and not _is_zone(found.time_zone):
        faults["time_zone"] = _("No time zone known here; one is Europe/Berlin.")
    return faults


def where(broker: str, queues: str) -> dict[str, str]:
    """Return the faults of a broker's name and a filter of queues, by field."""
    faults = {}
    if broker and not _is_broker(broker):
        faults["broker"] = _("No broker is called “%(slug)s”.") % {"slug": broker}
    if fault := queues_of.fault(queues):
        faults["queues"] = fault
    return faults


def _is_broker(slug: str) -> bool:
    try:
        return slug in brokers.configs()
    except ConfigurationError:
        return True  # told elsewhere; it is no fault of this field


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True


def _compared(found: Rule) -> dict[str, str]:
    """The faults of what is compared."""
    tables: Mapping[str, Mapping[str, Any]] = {"number": fields.NUMBERS, "rate": fields.RATES}
    if found.about in tables and found.field not in tables[found.about]:
        return {"field": _("Choose what is compared.")}
    if found.about not in (*tables, Rule.About.LAG, *_COUNTED):
        return {}
    if found.value is None or not math.isfinite(found.value):
        return {"value": _("A number.")}
    if found.about not in tables and (found.value < 0 or found.operator != Rule.Operator.ABOVE):
        return {"value": _("A number that is not negative, and “above”.")}
    if found.clear_value is None:
        return {}
    is_above = found.operator == Rule.Operator.ABOVE
    beyond = found.clear_value > found.value if is_above else found.clear_value < found.value
    if beyond or not math.isfinite(found.clear_value):
        return {"clear_value": _("It must be on the other side of the value, or empty.")}
    return {}
