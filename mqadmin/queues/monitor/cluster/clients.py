"""What may be wrong with connections and channels, and with what no queue takes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Any

from mqadmin.queues.monitor.cluster.facts import BROKEN, UNKNOWN, WATCH, Condition, Facts, Memory
from mqadmin.rabbit.types import ChannelInfo, ConnectionInfo, ExchangeFlow

NAMED = 3
FLOW_S = 20.0  # a publisher that is slowed down for a moment is no news
MANY_CHANNELS, MANY_SHARE, LAST_SHARE = 200, 0.5, 0.9
CHURN, CHURN_ENDS, CHURN_S = 10.0, 5.0, 30.0  # opened a second
GROWN, GROWN_SHARE, GROWN_MINUTES = 100, 0.5, 10  # a leak: more by so many, by this share of what it was
UNROUTABLE_REST_S = 60.0


def conditions(facts: Facts, memory: Memory) -> Iterator[Condition]:
    """Yield what holds, or might."""
    yield from _unknown(facts)
    if facts.clients.connections is not None:
        yield from _states(facts, facts.clients.connections)
        yield _channels(facts.clients.connections)
    yield from _growing(memory)
    yield from _churn(facts)
    yield from _unroutable(facts, memory)


def _unknown(facts: Facts) -> Iterator[Condition]:
    if facts.overview.statistics_disabled:
        yield Condition("statistics", UNKNOWN, "statistics_off", {}, holds=True)
    elif facts.clients.why:
        params = {"why": facts.clients.why}
        yield Condition("connections", UNKNOWN, "connections_unknown", params, holds=True)


def _states(facts: Facts, connections: Sequence[ConnectionInfo]) -> Iterator[Condition]:
    blocked = [item for item in connections if item.state == "blocked"]
    waiting = sum(item.state == "blocking" for item in connections)
    params = {**_named(blocked), "waiting": waiting}
    # While no alarm is in force any more, what a look found before is not true any more.
    holds = bool(blocked) and (facts.alarms is None or bool(facts.alarms))
    yield Condition("blocked", BROKEN, "publishers_blocked", params, holds=holds)
    slowed = [item for item in connections if item.state == "flow"]
    yield Condition("flow", WATCH, "publishers_slowed", _named(slowed), holds=bool(slowed), after=FLOW_S)


def _named(found: Sequence[ConnectionInfo]) -> dict[str, Any]:
    return {"count": len(found), "names": [item.label for item in found[:NAMED]]}


def _channels(connections: Sequence[ConnectionInfo]) -> Condition:
    """Speak of the connection that has most of them."""
    many = sorted(
        (item for item in connections if _is_many(item)), key=lambda item: item.channels or 0, reverse=True
    )
    if not many:
        return Condition("channels", WATCH, "many_channels", {}, holds=False)
    worst = many[0]
    is_last = worst.channel_max is not None and (worst.channels or 0) >= LAST_SHARE * worst.channel_max
    params = {
        "connection": worst.label,
        "vhost": worst.vhost,
        "user": worst.user,
        "channels": worst.channels,
        "limit": worst.channel_max,
        "others": len(many) - 1,
    }
    return Condition("channels", BROKEN if is_last else WATCH, "many_channels", params, holds=True)


def _is_many(item: ConnectionInfo) -> bool:
    if item.channels is None:
        return False
    few = item.channel_max is not None and item.channels >= max(10, MANY_SHARE * item.channel_max)
    return item.channels >= MANY_CHANNELS or few


def _growing(memory: Memory) -> Iterator[Condition]:
    """Tell of what grew for a while and never shrank: something opens, and does not close."""
    for place, code in ((1, "connections_growing"), (2, "channels_growing")):
        run = _rising([(point[0], point[place]) for point in memory.window])
        if len(run) < 2:
            continue
        (begin, low), (end, high) = run[0], run[-1]
        # Steadily: in each quarter of that time, not at once, as when a service starts.
        steps = [run[len(run) * part // 4][1] for part in (0, 1, 2, 3)]
        steady = end - begin >= GROWN_MINUTES and all(low < high for low, high in pairwise([*steps, high]))
        grown = high - low >= max(GROWN, GROWN_SHARE * low)
        params = {"from": low, "to": high}
        yield Condition(code, WATCH, code, params, holds=steady and grown, since=begin * 60)


def _rising(points: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Return the newest points before which it never shrank."""
    begin = len(points) - 1
    while begin > 0 and points[begin - 1][1] <= points[begin][1]:
        begin -= 1
    return points[max(begin, 0) :]


def _churn(facts: Facts) -> Iterator[Condition]:
    seen = facts.overview
    for code, opened, closed in (
        ("connections_churn", seen.connections_opened_rate, seen.connections_closed_rate),
        ("channels_churn", seen.channels_opened_rate, seen.channels_closed_rate),
    ):
        if opened is not None and closed is not None:
            # What comes without going is a start, or a leak.
            churn = min(opened, closed)
            params = {"opened": round(opened, 1), "closed": round(closed, 1)}
            yield Condition(
                code,
                WATCH,
                code,
                params,
                holds=churn >= CHURN,
                eases=churn < CHURN_ENDS,
                after=CHURN_S,
                rest=CHURN_S,
            )


def _unroutable(facts: Facts, memory: Memory) -> Iterator[Condition]:
    exchanges = _exchanges(facts.clients.exchanges or ())
    labels = {item.name: item.label for item in facts.clients.connections or ()}
    for place, what in enumerate(("dropped", "returned")):
        rate = memory.unroutable[place]
        if rate is None:
            continue
        channels = _most(facts.clients.channels or (), what)
        by = list(dict.fromkeys(labels.get(item.connection, item.connection) for item in channels))
        params = {"rate": round(rate, 2), "exchanges": exchanges[:NAMED], "publishers": by[:NAMED]}
        key = f"unroutable_{what}"
        yield Condition(key, WATCH, key, params, holds=rate > 0, rest=UNROUTABLE_REST_S)


def _most(channels: Sequence[ChannelInfo], what: str) -> list[ChannelInfo]:
    """Return the channels that publish what no queue takes; where none does at this moment, those that did."""
    for name in (f"{what}_rate", what):
        number = attrgetter(name)
        if found := [item for item in channels if number(item)]:
            return sorted(found, key=number, reverse=True)
    return []


def _exchanges(flows: Sequence[ExchangeFlow]) -> list[dict[str, Any]]:
    """Return the exchanges that pass on less than they take; where none does at this moment, those that passed on
    nothing ever. `all`: nothing is passed on."""
    losing = [flow for flow in flows if (flow.in_rate or 0) > (flow.out_rate or 0)]
    losing.sort(key=lambda flow: (flow.out_rate or 0) - (flow.in_rate or 0))
    found = losing or [flow for flow in flows if flow.taken and not flow.passed]
    return [{"vhost": flow.vhost, "name": flow.name, "all": not flow.out_rate} for flow in found]
