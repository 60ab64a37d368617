"""Is it safe to stop this node? The verdict, its reasons and what to do first, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext, ngettext_lazy

from mqadmin.administration.listed.naming import address
from mqadmin.administration.upkeep.findings import Params, Saying, Told, href, told
from mqadmin.core.pages import prose
from mqadmin.core.tones import Tone
from mqadmin.rabbit.upkeep.finding import BREAKS, CARE, FINE, Finding
from mqadmin.rabbit.upkeep.stopping import Step, steps


@dataclass(frozen=True)
class Verdict:
    """The answer in one sentence."""

    text: str
    tone: Tone


@dataclass(frozen=True)
class Todo:
    """A step in words; `command`: to be typed on the node's machine, "" for none; `href`: where it is done here."""

    text: str
    command: str
    is_done: bool
    href: str = ""


def verdict(findings: Sequence[Finding], name: str) -> Verdict:
    """Return the answer: no and why, yes after what, or yes."""
    worst = findings[0] if findings else None
    if worst is None or worst.level in (FINE,):
        return Verdict(_("Yes: nothing depends on %(node)s now.") % {"node": name}, "green")
    if worst.code == "is_down":
        return Verdict(_("%(node)s does not run.") % {"node": name}, "grey")
    if worst.level == BREAKS:
        why = words("", worst, {**worst.params, "n": worst.count, "node": name}).title
        more = sum(1 for item in findings if item.level == BREAKS) - 1
        text = _("No, not now. %(why)s.") % {"why": why}
        if more:
            others = ngettext("And %(n)d more reason.", "And %(n)d more reasons.", more) % {"n": more}
            text = prose.paragraph((text, others))
        return Verdict(text, "red")
    if worst.level == CARE:
        text = _("Yes, after the steps below: nothing is lost, but who uses %(node)s notices.")
        if any(item.code == "draining" for item in findings):
            text = _("Not yet: %(node)s is being drained, and something is still on it.")
        return Verdict(text % {"node": name}, "amber")
    return Verdict(_("Yes: %(node)s can be stopped now, and nothing is lost.") % {"node": name}, "green")


def todos(broker: str, findings: Sequence[Finding], name: str) -> list[Todo]:
    """Return what to do first, in order."""
    return [_todo(broker, step, name) for step in steps(findings)]


def words(broker: str, finding: Finding, params: Params) -> Told:
    """Return a finding about stopping a node in words."""
    return told(_WORDS, broker, finding, {"reason": "", **params})


def _todo(broker: str, step: Step, name: str) -> Todo:
    here = {"node": name}
    texts = {
        "bring_others": (_("Bring the nodes that are down back."), "", ""),
        "revive_others": (
            _("Take the other nodes that are drained back into use."),
            "rabbitmq-upgrade revive",
            "",
        ),
        "wait_members": (
            _("Wait until the queues have enough members elsewhere: this waits for it."),
            f"rabbitmq-upgrade -n {name} await_online_quorum_plus_one",
            "",
        ),
        "add_members": (
            _("Give the queues that live here alone a member on another node."),
            "",
            href("node_list", broker),
        ),
        "empty_queues": (
            _("Let consumers empty the queues below whose messages would be lost, or move the messages."),
            "",
            "",
        ),
        "give_addresses": (
            _("Give mqadmin the addresses of more nodes: it sees the cluster by this one."),
            "",
            "",
        ),
        "announce": (_("Tell whoever uses the broker: nothing works until it is back."), "", ""),
        "drain": (
            _("Drain %(node)s: it takes no more clients, closes their connections and hands leaders over.")
            % here,
            f"rabbitmq-upgrade -n {name} drain",
            "",
        ),
        "watch": (_("Wait until no leader and no connection is left on it. This page follows it."), "", ""),
        "shutdown": (_("Stop it."), f"rabbitmqctl -n {name} shutdown", ""),
        "revive": (
            _("Afterwards start it, take it back into use, and spread the leaders again."),
            f"rabbitmq-upgrade -n {name} revive",
            address("cluster_rebalance", broker),
        ),
    }
    text, command, to = texts[step.code]
    return Todo(text, command, step.is_done, to)


_WORDS = {
    "is_down": Saying(_lazy("It does not run")),
    "only_node": Saying(
        _lazy("It is the only node that runs"),
        _lazy("The whole broker stops with it: nobody can publish or consume."),
    ),
    "metadata_short": Saying(
        _lazy("Too few nodes would be left"),
        _lazy(
            "Of %(nodes)s nodes %(left)s would run. Queues, users and bindings can be changed only by a majority."
        ),
    ),
    "others_down": Saying(
        ngettext_lazy("%(n)s other node is down", "%(n)s other nodes are down", "count"),
        _lazy("Each node that is away is a member less for its queues."),
    ),
    "others_draining": Saying(
        ngettext_lazy("%(n)s other node is being drained", "%(n)s other nodes are being drained", "count"),
        _lazy("Leaders and clients do not go there."),
    ),
    "draining": Saying(
        _lazy("It is being drained"),
        _lazy("It takes no clients, and leads no quorum queue that can be led elsewhere."),
    ),
    "our_address": Saying(
        _lazy("mqadmin reaches the cluster by this node alone"),
        _lazy(
            "Unless its address is that of a load balancer, mqadmin and its consumers are blind while it is away."
        ),
    ),
    "broker_objects": Saying(_lazy("RabbitMQ itself says that it is needed"), "%(reason)s"),
    "quorum_critical": Saying(
        ngettext_lazy(
            "%(n)s quorum queue would lose its majority",
            "%(n)s quorum queues would lose their majority",
            "count",
        ),
        _lazy(
            "Nobody could publish to them or consume from them until it is back. Beside each: its members online."
        ),
    ),
    "quorum_lone": Saying(
        ngettext_lazy(
            "%(n)s quorum queue lives on it alone", "%(n)s quorum queues live on it alone", "count"
        ),
        _lazy("They have one member only: without it they are away. Add a member on another node."),
    ),
    "quorum_short": Saying(
        ngettext_lazy(
            "%(n)s quorum queue has no majority now", "%(n)s quorum queues have no majority now", "count"
        ),
        _lazy("Too few of their members are online already. Beside each: its members online."),
    ),
    "quorum_safe": Saying(
        ngettext_lazy(
            "%(n)s quorum queue goes on without it", "%(n)s quorum queues go on without it", "count"
        )
    ),
    "stream_critical": Saying(
        ngettext_lazy(
            "%(n)s stream would lose its majority", "%(n)s streams would lose their majority", "count"
        ),
        _lazy("Nobody could publish to them until it is back. Beside each: its members online."),
    ),
    "stream_lone": Saying(
        ngettext_lazy("%(n)s stream lives on it alone", "%(n)s streams live on it alone", "count"),
        _lazy("rabbitmq-streams add_replica adds a member: RabbitMQ's API does not."),
    ),
    "stream_short": Saying(
        ngettext_lazy("%(n)s stream has no majority now", "%(n)s streams have no majority now", "count")
    ),
    "stream_safe": Saying(
        ngettext_lazy("%(n)s stream goes on without it", "%(n)s streams go on without it", "count")
    ),
    "leaders": Saying(
        ngettext_lazy("It leads %(n)s queue", "It leads %(n)s queues", "count"),
        _lazy(
            "When it is drained, another member leads. Stopped without that, each waits some seconds for its "
            "election."
        ),
    ),
    "no_leaders": Saying(_lazy("It leads no quorum queue and no stream")),
    "transient": Saying(
        ngettext_lazy(
            "%(n)s transient queue would be deleted with its messages",
            "%(n)s transient queues would be deleted with their messages",
            "count",
        ),
        _lazy("What is not durable goes with its node: %(messages)s messages."),
        _lazy("Let their consumers empty them, or declare them durable."),
    ),
    "unsaved": Saying(
        ngettext_lazy(
            "%(n)s classic queue has messages that are not persistent",
            "%(n)s classic queues have messages that are not persistent",
            "count",
        ),
        _lazy("They would be lost: %(messages)s messages. The others come back with the node."),
        _lazy("Let their consumers empty them, or move the messages to a quorum queue."),
    ),
    "only_copy": Saying(
        ngettext_lazy(
            "%(n)s classic queue is away while it is stopped",
            "%(n)s classic queues are away while it is stopped",
            "count",
        ),
        _lazy("Their only copy is here. Messages stay and come back with it: %(messages)s."),
    ),
    "exclusive": Saying(
        ngettext_lazy("%(n)s exclusive queue goes with it", "%(n)s exclusive queues go with it", "count"),
        _lazy("Their clients declare them again when they connect again."),
    ),
    "mirrored": Saying(
        ngettext_lazy(
            "%(n)s mirrored queue goes on elsewhere", "%(n)s mirrored queues go on elsewhere", "count"
        ),
        _lazy("A mirror in step takes over."),
    ),
    "no_classic": Saying(_lazy("No classic queue lives on it")),
    "clients": Saying(
        ngettext_lazy("%(n)s connection is cut", "%(n)s connections are cut", "count"),
        _lazy("Clients that connect again go to another node, where they know its address."),
    ),
    "clients_shut_out": Saying(
        ngettext_lazy("%(n)s connection is cut", "%(n)s connections are cut", "count"),
        _lazy("There is no other node: clients that connect again are refused until it is back."),
    ),
    "our_clients": Saying(
        ngettext_lazy("%(n)s connection is of mqadmin", "%(n)s connections are of mqadmin", "count"),
        _lazy("Its consumers connect again by themselves; what they have in hand is delivered once more."),
    ),
    "no_clients": Saying(_lazy("Nobody is connected to it")),
    "clients_unknown": Saying(
        _lazy("Who is connected is not known"), _lazy("mqadmin's user may not see the connections of others.")
    ),
}
