"""What is wrong with a broker's nodes, in words: the codes of `monitor.cluster.nodes`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import number, size
from mqadmin.queues.pages.sentences import Params


@dataclass(frozen=True)
class Told:
    """A reason in words. `docs`: the page of RabbitMQ's documentation about it; `sort`: by what the list of queues
    shows which of them it is about."""

    title: str
    evidence: str
    advice: str = ""
    docs: str = ""
    sort: str = ""


def _memory_alarm(params: Params) -> Told:
    numbers = _("It uses %(used)s of the %(limit)s that it may.") % _sizes(params, "used", "limit")
    return Told(
        _("%(node)s raised its memory alarm") % params,
        prose.paragraph((numbers if params.get("used") is not None else "", _publishers_wait())),
        _("Let consumers catch up, or give the node more memory."),
        "memory",
        "-ready",
    )


def _disk_alarm(params: Params) -> Told:
    numbers = _("%(free)s are free, and it must keep %(limit)s.") % _sizes(params, "free", "limit")
    return Told(
        _("%(node)s raised its disk alarm") % params,
        prose.paragraph((numbers if params.get("free") is not None else "", _publishers_wait())),
        _("Free space on its disk: old logs, and queues and streams that nobody reads."),
        "disk-alarms",
        "-ready",
    )


def _alarm(params: Params) -> Told:
    return Told(_("%(node)s raised its %(resource)s alarm") % params, _publishers_wait())


def _publishers_wait() -> str:
    return _("Publishers are blocked on all nodes.")


def _sizes(params: Params, *names: str) -> dict[str, str]:
    return {name: size(params.get(name)) for name in names}


def _node_down(params: Params) -> Told:
    return Told(
        _("%(node)s is down") % params,
        _(
            "Quorum queues and streams go on while most of their members are there. Classic queues that live on it "
            "serve nobody until it is back."
        ),
        _("Start it; its log says why it stopped."),
        "clustering",
    )


def _partitioned(params: Params) -> Told:
    return Told(
        _("%(node)s is partitioned") % params,
        _("It does not see %(nodes)s: the cluster is split.") % {"nodes": prose.listed(params["others"])},
        _("Mend the network between them, then restart the nodes of the side that you trust less."),
        "partitions",
    )


def _node_restarted(params: Params) -> Told:
    return Told(
        _("%(node)s started anew") % params,
        _(
            "Its connections were cut, and messages that were not persistent are gone from its classic queues."
        ),
        _("Nothing is to be done if somebody restarted it. Otherwise its log says why."),
        "logging",
    )


def _memory_near(params: Params) -> Told:
    numbers = {**_sizes(params, "used", "limit"), "percent": params["percent"]}
    return Told(
        _("%(node)s is close to its memory alarm") % params,
        _("It uses %(percent)s %% of the %(limit)s that it may: %(used)s.") % numbers,
        _(
            "At the limit all publishers are blocked. See which queues hold most, and whether they are consumed."
        ),
        "memory-use",
        "-ready",
    )


def _disk_near(params: Params) -> Told:
    return Told(
        _("%(node)s is close to its disk alarm") % params,
        _("%(free)s are free, and below %(limit)s all publishers are blocked.")
        % _sizes(params, "free", "limit"),
        _("Free space on its disk: old logs, and queues and streams that nobody reads."),
        "disk-alarms",
        "-ready",
    )


def _of(params: Params) -> str:
    numbers = {name: number(params[name]) for name in ("used", "limit", "percent")}
    return _("%(used)s of %(limit)s: %(percent)s %%.") % numbers


def _descriptors_near(params: Params) -> Told:
    return Told(
        _("%(node)s runs out of file descriptors") % params,
        _of(params),
        _(
            "Without any it takes no connection and cannot write. Find who opens connections, or raise its limit."
        ),
        "networking",
    )


def _sockets_near(params: Params) -> Told:
    return Told(
        _("%(node)s runs out of sockets") % params,
        _of(params),
        _(
            "Without any it takes no connection. Find who opens connections, or raise its limit of descriptors."
        ),
        "networking",
    )


def _processes_near(params: Params) -> Told:
    return Told(
        _("%(node)s runs out of Erlang processes") % params,
        _of(params),
        _("Each connection, channel and queue takes some: find which of them are too many."),
        "runtime",
    )


def _clock_differs(params: Params) -> Told:
    seconds = abs(params["seconds"])
    form = (
        ngettext(
            "The answers of %(node)s are dated %(n)s second after mqadmin's clock.",
            "The answers of %(node)s are dated %(n)s seconds after mqadmin's clock.",
            seconds,
        )
        if params["seconds"] > 0
        else ngettext(
            "The answers of %(node)s are dated %(n)s second before mqadmin's clock.",
            "The answers of %(node)s are dated %(n)s seconds before mqadmin's clock.",
            seconds,
        )
    )
    return Told(
        _("The clocks of the broker and of mqadmin differ"),
        form % {"node": params["node"] or _("the broker"), "n": number(seconds)},
        _("Times of letters and of waiting are wrong by as much. Have NTP set both."),
    )


WORDS: dict[str, Callable[[Params], Told]] = {
    "memory_alarm": _memory_alarm,
    "disk_alarm": _disk_alarm,
    "alarm": _alarm,
    "node_down": _node_down,
    "partitioned": _partitioned,
    "node_restarted": _node_restarted,
    "memory_near": _memory_near,
    "disk_near": _disk_near,
    "descriptors_near": _descriptors_near,
    "sockets_near": _sockets_near,
    "processes_near": _processes_near,
    "clock_differs": _clock_differs,
}
