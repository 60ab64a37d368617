"""What breaks or changes with an upgrade, in words: what holds, what it means, what to do and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.administration.pages.findings import Params, Told, href
from mqadmin.queues.pages import deprecated
from mqadmin.rabbit.upkeep.finding import Finding


@dataclass(frozen=True)
class _It:
    """What is put in words: a finding of a broker, with its numbers written out."""

    broker: str
    finding: Finding
    params: Params


_Maker = Callable[[_It], Told]


def words(broker: str, finding: Finding, params: Params) -> Told:
    """Return a finding about an upgrade in words."""
    found = _WORDS.get(finding.code)
    return found(_It(broker, finding, params)) if found else Told(finding.code)


def _flags_missing(it: _It) -> Told:
    return Told(
        ngettext(
            "%(n)s stable feature flag is not enabled",
            "%(n)s stable feature flags are not enabled",
            it.finding.count,
        )
        % it.params,
        _("A node of the next version refuses to start where one that it requires is missing."),
        _("Enable them all, once every node runs the same version. It cannot be undone."),
        href("flag_enable_all", it.broker),
        _("Enable all stable flags"),
    )


def _khepri_missing(it: _It) -> Told:
    return Told(
        _("The metadata is still in Mnesia"),
        _("RabbitMQ 4.3 knows Khepri alone: a node of it does not start on Mnesia."),
        _(
            "Enable khepri_db on the newest 4.2, while no queues are declared in great numbers. It cannot be "
            "undone."
        ),
        href("flag_list", it.broker),
        _("Feature flags"),
    )


def _ram_nodes(it: _It) -> Told:
    return Told(
        ngettext(
            "%(n)s node keeps its metadata in memory",
            "%(n)s nodes keep their metadata in memory",
            it.finding.count,
        )
        % it.params,
        _("RabbitMQ 4 has no such nodes."),
        _("On each of them: rabbitmqctl stop_app, change_cluster_node_type disc, start_app."),
    )


def _nodes_down(it: _It) -> Told:
    return Told(
        ngettext("%(n)s node is down", "%(n)s nodes are down", it.finding.count) % it.params,
        _("Feature flags are enabled on all nodes or none, and each node that is away weakens its queues."),
        _("Bring them back, or take them out of the cluster for good."),
        href("node_list", it.broker),
        _("Nodes"),
    )


def _versions_mixed(_it: _It) -> Told:
    return Told(
        _("Nodes run different versions"),
        _("A cluster in the midst of an upgrade: the next one must not begin before this one has ended."),
        _("Upgrade the nodes that are behind, then enable the feature flags."),
    )


def _erlang_old(it: _It) -> Told:
    return Told(
        _("Erlang %(erlang)s is too old for RabbitMQ 4") % it.params,
        _("RabbitMQ 4.0 needs Erlang %(least)s or newer; 3.12 and 3.13 run on it too.") % it.params,
        _("Upgrade Erlang on each node on the way, with a RabbitMQ that supports both."),
    )


def _mirrored(it: _It) -> Told:
    return Told(
        ngettext(
            "%(policies)s policy mirrors classic queues",
            "%(policies)s policies mirror classic queues",
            _int(it.finding, "policies"),
        )
        % it.params,
        _(
            "RabbitMQ 4 mirrors nothing: each of the %(queues)s queues then lives on one node alone, without a "
            "word."
        )
        % it.params,
        _(
            "Convert the queues to quorum queues, one by one below, then take ha-mode and its like out of the "
            "policies."
        ),
        href("policy_list", it.broker),
        _("Policies"),
    )


def _mirrored_left(it: _It) -> Told:
    return Told(
        _("Policies still ask for mirrors"),
        _("This version mirrors nothing: who trusts these policies trusts too much."),
        _("Take ha-mode and its like out of them; where copies are needed, use quorum queues."),
        href("policy_list", it.broker),
        _("Policies"),
    )


def _limit_loses(it: _It) -> Told:
    return Told(
        ngettext(
            "%(n)s quorum queue would drop messages that are returned often",
            "%(n)s quorum queues would drop messages that are returned often",
            it.finding.count,
        )
        % it.params,
        _(
            "RabbitMQ 4 sets a delivery limit of %(limit)s where none is set, and they have no dead letter "
            "exchange."
        )
        % it.params,
        _("Set a dead letter exchange, or a delivery limit of your own (-1 for none), by a policy."),
        href("policy_list", it.broker),
        _("Policies"),
    )


def _limit_dead_letters(it: _It) -> Told:
    return Told(
        ngettext(
            "%(n)s quorum queue would dead-letter messages that are returned often",
            "%(n)s quorum queues would dead-letter messages that are returned often",
            it.finding.count,
        )
        % it.params,
        _("RabbitMQ 4 sets a delivery limit of %(limit)s where none is set.") % it.params,
        _(
            "Set a delivery limit of your own by a policy (-1 for none), if returns are how your consumers wait."
        ),
        href("policy_list", it.broker),
        _("Policies"),
    )


def _shared_prefetch(it: _It) -> Told:
    return Told(
        ngettext(
            "%(n)s channel has one prefetch for all its consumers",
            "%(n)s channels have one prefetch for all their consumers",
            it.finding.count,
        )
        % it.params,
        _(
            "From 4.3 on basic.qos with global=true is refused unless permitted: these clients lose their channel."
        ),
        _("Have them set the prefetch for each consumer: basic.qos with global=false."),
    )


def _transient(it: _It) -> Told:
    return Told(
        ngettext(
            "%(n)s queue is transient and not exclusive",
            "%(n)s queues are transient and not exclusive",
            it.finding.count,
        )
        % it.params,
        _("From 4.3 on such a queue is refused unless permitted: its client cannot declare it any more."),
        _("Declare them durable, with x-expires where they are to go by themselves, or exclusive."),
        f"{href('queue_list', it.broker)}&q=-is:durable",
        _("Transient queues"),
    )


def _storage_one(it: _It) -> Told:
    return Told(
        ngettext(
            "%(n)s classic queue is stored in version 1",
            "%(n)s classic queues are stored in version 1",
            it.finding.count,
        )
        % it.params,
        _(
            "RabbitMQ 4 converts them when it starts: with %(messages)s messages in them that may take a while."
        )
        % it.params,
        _(
            "Let consumers empty the long ones before, or set queue-version 2 by a policy now (3.12 and newer)."
        ),
    )


def _too_large(it: _It) -> Told:
    return Told(
        ngettext(
            "%(n)s queue holds messages that are too large",
            "%(n)s queues hold messages that are too large",
            it.finding.count,
        )
        % it.params,
        _(
            "RabbitMQ 4 takes messages of at most %(limit)s unless max_message_size says more: publishers are "
            "refused."
        )
        % it.params,
        _("Set max_message_size in rabbitmq.conf before the upgrade, or send the data another way."),
    )


def _size_limit(it: _It) -> Told:
    return Told(
        _("Messages larger than %(limit)s are refused from 4.0 on") % it.params,
        _("Before it was 128 MB. No queue holds such messages now; what passes through is not known."),
        _("If clients send larger ones, set max_message_size in rabbitmq.conf."),
    )


def _outdated_keys(it: _It) -> Told:
    return Told(
        _("Policies or queues are defined with what is not read any more"),
        _(
            "queue-mode, queue-version 1 and limits of what is in memory have no effect; queue-master-locator goes."
        ),
        _(
            "Take them out of policies and of the clients' declarations; queue-leader-locator takes its place."
        ),
        href("policy_list", it.broker),
        _("Policies"),
    )


def _deprecated_used(it: _It) -> Told:
    advice = [deprecated.words(item["name"]) for item in it.finding.examples]
    return Told(
        _("Deprecated features are in use: %(names)s")
        % {"names": ", ".join(name for name, _advice in advice)},
        _("A later version refuses them, first by default, then always."),
        " ".join(text for _name, text in advice if text),
        href("deprecated_list", it.broker),
        _("Deprecated features"),
    )


def _amqp_one(_it: _It) -> Told:
    return Told(
        _("AMQP 1.0 is another implementation from 4.0 on"),
        _(
            "It is always enabled, its plugin does nothing, and addresses have a new form; the old one is "
            "deprecated."
        ),
        _(
            "Try these clients against RabbitMQ 4 before, and give them addresses of the new form (/queues/name)."
        ),
    )


def _mqtt(_it: _It) -> Told:
    return Told(
        _("MQTT is another implementation from 3.12 on"),
        _("Sessions are kept in other queues, and the feature flags of MQTT are needed on the way."),
        _("Upgrade to 3.12 or 3.13 first and enable all feature flags there; let clients connect anew."),
    )


def _not_known(it: _It) -> Told:
    names = {
        "flags": _("feature flags"),
        "clients": _("the connections of others"),
        "channels": _("which channels share a prefetch"),
    }
    told = ", ".join(names[item] for item in it.finding.params["what"])
    return Told(
        _("Not everything could be looked at: %(what)s") % {"what": told},
        _(
            "mqadmin's user may not see it, or this version does not tell: so "
            "what is missing below may be there all the same."
        ),
        _("Give it the tag monitoring, or administrator."),
    )


def _route(it: _It) -> Told:
    return Told(
        _("The way: %(steps)s") % {"steps": " → ".join(it.finding.params["steps"])},
        _("Each step is the next version to which this one may be upgraded while the cluster runs."),
        _("Enable all stable feature flags after each step, before the next."),
    )


def _version_unknown(_it: _It) -> Told:
    return Told(_("The broker does not tell its version"), "", "")


def _int(finding: Finding, name: str) -> int:
    value: Any = finding.params.get(name, 0)
    return int(value)


_WORDS: dict[str, _Maker] = {
    "flags_missing": _flags_missing,
    "khepri_missing": _khepri_missing,
    "ram_nodes": _ram_nodes,
    "nodes_down": _nodes_down,
    "versions_mixed": _versions_mixed,
    "erlang_old": _erlang_old,
    "mirrored": _mirrored,
    "mirrored_left": _mirrored_left,
    "limit_loses": _limit_loses,
    "limit_dead_letters": _limit_dead_letters,
    "shared_prefetch": _shared_prefetch,
    "transient": _transient,
    "storage_one": _storage_one,
    "too_large": _too_large,
    "size_limit": _size_limit,
    "outdated_keys": _outdated_keys,
    "deprecated_used": _deprecated_used,
    "amqp_one": _amqp_one,
    "mqtt": _mqtt,
    "not_known": _not_known,
    "route": _route,
    "version_unknown": _version_unknown,
}
