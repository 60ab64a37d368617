"""What breaks or changes with an upgrade, in words: what holds, what it means, what to do and where."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from mqadmin.administration.upkeep.findings import Params, Saying, Told, told
from mqadmin.core.pages import prose
from mqadmin.queues.pages import deprecated
from mqadmin.rabbit.upkeep.finding import Finding


def words(broker: str, finding: Finding, params: Params) -> Told:
    """Return a finding about an upgrade in words."""
    return told(_WORDS, broker, finding, {**params, **_more(finding)})


def _more(finding: Finding) -> dict[str, Any]:
    """Return what the words of some findings hold besides their numbers."""
    if finding.code == "deprecated_used":
        advice = [deprecated.words(item["name"]) for item in finding.examples]
        names = prose.listed(name for name, _advice in advice)
        return {"names": names, "advice": prose.paragraph(text for _name, text in advice)}
    if finding.code == "not_known":
        what = {
            "flags": gettext("feature flags"),
            "clients": gettext("the connections of others"),
            "channels": gettext("which channels share a prefetch"),
        }
        return {"what": prose.listed(what[item] for item in finding.params["what"])}
    return {"steps": " → ".join(finding.params["steps"])} if finding.code == "route" else {}


_WORDS = {
    "flags_missing": Saying(
        ngettext_lazy(
            "%(n)s stable feature flag is not enabled", "%(n)s stable feature flags are not enabled", "count"
        ),
        _("A node of the next version refuses to start where one that it requires is missing."),
        _("Enable them all, once every node runs the same version. It cannot be undone."),
        "flag_enable_all",
        _("Enable all stable flags"),
    ),
    "khepri_missing": Saying(
        _("The metadata is still in Mnesia"),
        _("RabbitMQ 4.3 knows Khepri alone: a node of it does not start on Mnesia."),
        _(
            "Enable khepri_db on the newest 4.2, while no queues are declared in great numbers. It cannot be "
            "undone."
        ),
        "flag_list",
        _("Feature flags"),
    ),
    "ram_nodes": Saying(
        ngettext_lazy(
            "%(n)s node keeps its metadata in memory", "%(n)s nodes keep their metadata in memory", "count"
        ),
        _("RabbitMQ 4 has no such nodes."),
        _("On each of them: rabbitmqctl stop_app, change_cluster_node_type disc, start_app."),
    ),
    "nodes_down": Saying(
        ngettext_lazy("%(n)s node is down", "%(n)s nodes are down", "count"),
        _("Feature flags are enabled on all nodes or none, and each node that is away weakens its queues."),
        _("Bring them back, or take them out of the cluster for good."),
        "node_list",
        _("Nodes"),
    ),
    "versions_mixed": Saying(
        _("Nodes run different versions"),
        _("A cluster in the midst of an upgrade: the next one must not begin before this one has ended."),
        _("Upgrade the nodes that are behind, then enable the feature flags."),
    ),
    "erlang_old": Saying(
        _("Erlang %(erlang)s is too old for RabbitMQ 4"),
        _("RabbitMQ 4.0 needs Erlang %(least)s or newer; 3.12 and 3.13 run on it too."),
        _("Upgrade Erlang on each node on the way, with a RabbitMQ that supports both."),
    ),
    "mirrored": Saying(
        ngettext_lazy(
            "%(policies)s policy mirrors classic queues",
            "%(policies)s policies mirror classic queues",
            "count_policies",
        ),
        _(
            "RabbitMQ 4 mirrors nothing: each of the %(queues)s queues then lives on one node alone, without a "
            "word."
        ),
        _(
            "Convert the queues to quorum queues, one by one below, then take ha-mode and its like out of the "
            "policies."
        ),
        "policy_list",
        _("Policies"),
    ),
    "mirrored_left": Saying(
        _("Policies still ask for mirrors"),
        _("This version mirrors nothing: who trusts these policies trusts too much."),
        _("Take ha-mode and its like out of them; where copies are needed, use quorum queues."),
        "policy_list",
        _("Policies"),
    ),
    "limit_loses": Saying(
        ngettext_lazy(
            "%(n)s quorum queue would drop messages that are returned often",
            "%(n)s quorum queues would drop messages that are returned often",
            "count",
        ),
        _(
            "RabbitMQ 4 sets a delivery limit of %(limit)s where none is set, and they have no dead letter "
            "exchange."
        ),
        _("Set a dead letter exchange, or a delivery limit of your own (-1 for none), by a policy."),
        "policy_list",
        _("Policies"),
    ),
    "limit_dead_letters": Saying(
        ngettext_lazy(
            "%(n)s quorum queue would dead-letter messages that are returned often",
            "%(n)s quorum queues would dead-letter messages that are returned often",
            "count",
        ),
        _("RabbitMQ 4 sets a delivery limit of %(limit)s where none is set."),
        _(
            "Set a delivery limit of your own by a policy (-1 for none), if returns are how your consumers wait."
        ),
        "policy_list",
        _("Policies"),
    ),
    "shared_prefetch": Saying(
        ngettext_lazy(
            "%(n)s channel has one prefetch for all its consumers",
            "%(n)s channels have one prefetch for all their consumers",
            "count",
        ),
        _(
            "From 4.3 on basic.qos with global=true is refused unless permitted: these clients lose their channel."
        ),
        _("Have them set the prefetch for each consumer: basic.qos with global=false."),
    ),
    "transient": Saying(
        ngettext_lazy(
            "%(n)s queue is transient and not exclusive",
            "%(n)s queues are transient and not exclusive",
            "count",
        ),
        _("From 4.3 on such a queue is refused unless permitted: its client cannot declare it any more."),
        _("Declare them durable, with x-expires where they are to go by themselves, or exclusive."),
        "queue_list",
        _("Transient queues"),
        query="&q=-is:durable",
    ),
    "storage_one": Saying(
        ngettext_lazy(
            "%(n)s classic queue is stored in version 1",
            "%(n)s classic queues are stored in version 1",
            "count",
        ),
        _(
            "RabbitMQ 4 converts them when it starts, which takes a while with many messages: %(messages)s now."
        ),
        _(
            "Let consumers empty the long ones before, or set queue-version 2 by a policy now (3.12 and newer)."
        ),
    ),
    "too_large": Saying(
        ngettext_lazy(
            "%(n)s queue holds messages that are too large",
            "%(n)s queues hold messages that are too large",
            "count",
        ),
        _(
            "RabbitMQ 4 takes messages of at most %(limit)s unless max_message_size says more: publishers are "
            "refused."
        ),
        _("Set max_message_size in rabbitmq.conf before the upgrade, or send the data another way."),
    ),
    "size_limit": Saying(
        _("Messages larger than %(limit)s are refused from 4.0 on"),
        _("Before it was 128 MB. No queue holds such messages now; what passes through is not known."),
        _("If clients send larger ones, set max_message_size in rabbitmq.conf."),
    ),
    "outdated_keys": Saying(
        _("Policies or queues are defined with what is not read any more"),
        _(
            "queue-mode, queue-version 1 and limits of what is in memory have no effect; queue-master-locator goes."
        ),
        _(
            "Take them out of policies and of the clients' declarations; queue-leader-locator takes its place."
        ),
        "policy_list",
        _("Policies"),
    ),
    "deprecated_used": Saying(
        _("Deprecated features are in use: %(names)s"),
        _("A later version refuses them, first by default, then always."),
        "%(advice)s",
        "deprecated_list",
        _("Deprecated features"),
    ),
    "amqp_one": Saying(
        _("AMQP 1.0 is another implementation from 4.0 on"),
        _(
            "It is always enabled, its plugin does nothing, and addresses have a new form; the old one is "
            "deprecated."
        ),
        _(
            "Try these clients against RabbitMQ 4 before, and give them addresses of the new form (/queues/name)."
        ),
    ),
    "mqtt": Saying(
        _("MQTT is another implementation from 3.12 on"),
        _("Sessions are kept in other queues, and the feature flags of MQTT are needed on the way."),
        _("Upgrade to 3.12 or 3.13 first and enable all feature flags there; let clients connect anew."),
    ),
    "not_known": Saying(
        _("Not everything could be looked at: %(what)s"),
        _(
            "mqadmin's user may not see it, or this version does not tell: so "
            "what is missing below may be there all the same."
        ),
        _("Give it the tag monitoring, or administrator."),
    ),
    "route": Saying(
        _("The way: %(steps)s"),
        _("Each step is the next version to which this one may be upgraded while the cluster runs."),
        _("Enable all stable feature flags after each step, before the next."),
    ),
    "version_unknown": Saying(_("The broker does not tell its version")),
}
