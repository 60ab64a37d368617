"""RabbitMQ's health checks in words: what is asked, and what it means that one does not pass."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.core.tones import Tone
from mqadmin.rabbit.administration import checks
from mqadmin.rabbit.administration.checks import Check

# What holds while it passes; what to do if it does not.
_WORDS = {
    "alarms": (
        gettext_lazy("No node raised an alarm"),
        gettext_lazy("Publishers are blocked: free memory or disk on the node that is named."),
    ),
    "local_alarms": (
        gettext_lazy("This node raised no alarm"),
        gettext_lazy("Publishers are blocked: free memory or disk on it."),
    ),
    "quorum_critical": (
        gettext_lazy("No queue needs this node to have a majority"),
        gettext_lazy("Do not stop it: first bring the other members of these queues back."),
    ),
    "mirror_critical": (
        gettext_lazy("No mirrored queue has its only copy in step on this node"),
        gettext_lazy("Do not stop it: let the mirrors synchronise first."),
    ),
    "no_leader": (
        gettext_lazy("Each quorum queue has a leader"),
        gettext_lazy("Who publishes to these queues waits: bring their members back."),
    ),
    "virtual_hosts": (
        gettext_lazy("All virtual hosts run on this node"),
        gettext_lazy("Its log says why one stopped; it can be started again (rabbitmqctl restart_vhost)."),
    ),
    "certificates": (
        gettext_lazy("No certificate of a listener expires within a month"),
        gettext_lazy("Renew it: clients refuse to connect once it has expired."),
    ),
    "amqp": (
        gettext_lazy("A listener for AMQP is open"),
        gettext_lazy("No AMQP client can connect to this node. Is it being drained?"),
    ),
    "in_service": (
        gettext_lazy("The node is in service"),
        gettext_lazy(
            "It is being drained, or still starting. rabbitmq-upgrade revive takes it back into use."
        ),
    ),
    "serves": (
        gettext_lazy("The node is ready to serve clients"),
        gettext_lazy("It is starting, being drained or at its limit of connections."),
    ),
    "connection_limit": (
        gettext_lazy("The node is below its limit of connections"),
        gettext_lazy("It takes no more: find who opens connections, or raise the limit."),
    ),
    "metadata": (
        gettext_lazy("The metadata store is ready"),
        gettext_lazy("The node does not know queues and users yet: see its log."),
    ),
    "metadata_data": (
        gettext_lazy("The metadata store has data"),
        gettext_lazy("The node begins empty: is it one that never joined its cluster?"),
    ),
}
_TONES: dict[str, Tone] = {
    checks.PASSED: "green",
    checks.FAILED: "red",
    checks.ABSENT: "grey",
    checks.REFUSED: "amber",
}


@dataclass(frozen=True)
class CheckRow:
    """A check as the page shows it."""

    title: str
    answer: str
    advice: str
    tone: Tone
    objects: tuple[str, ...]


def row(check: Check) -> CheckRow:
    """Return a check in words."""
    title, advice = _WORDS[check.name]
    answer = {
        checks.PASSED: _("yes"),
        checks.FAILED: check.reason or _("no"),
        checks.ABSENT: _("this version of RabbitMQ has no such check"),
        checks.REFUSED: _("mqadmin's user may not ask"),
    }[check.state]
    failed = check.state == checks.FAILED
    return CheckRow(str(title), answer, str(advice) if failed else "", _TONES[check.state], check.objects)
