"""What is shown of connections and channels: rows of the lists, one of each with all that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.administration.connections import owners
from mqadmin.administration.connections.cutting import Cut
from mqadmin.administration.connections.owners import Owner
from mqadmin.administration.listed.naming import address, found_in, quoted
from mqadmin.administration.listed.pairs import Pairs, pairs
from mqadmin.administration.listed.places import exchange_href
from mqadmin.administration.listing.tables import Table
from mqadmin.core.tones import Tone
from mqadmin.rabbit.administration.channels import Channel, Flow
from mqadmin.rabbit.administration.channels import Detail as ChannelDetail
from mqadmin.rabbit.administration.connections import Connection, Detail, Session
from mqadmin.rabbit.administration.streaming import Ends, StreamPublisher, StreamReader

MOST_SHOWN = 200  # channels of one connection
Reader = tuple[Mapping[str, Any], str, Owner | None, Pairs]
"""A consumer, the page of its queue, whose it is of ours, its arguments but the priority where they are told."""


@dataclass(frozen=True)
class ConnectionRow:
    """A row of the list: its page, its name in words, its state with a colour, the consumer of ours it is of."""

    href: str
    title: str
    state: str
    tone: Tone | str
    what: str
    client: str
    since: datetime | None
    owner: Owner | None
    channels: str


@dataclass(frozen=True)
class ChannelRow:
    """A row of the list: its page and its connection's, its marks, what it reads, since when it holds messages."""

    href: str
    connection: str
    marks: Sequence[tuple[str, str, str]]
    queues: Sequence[tuple[str, str]]
    more_queues: int
    since: datetime | None


def connection_href(broker: str, name: str) -> str:
    """Return the address of a connection's page."""
    return address("connection_detail", broker, name=name)


def channel_href(broker: str, name: str) -> str:
    """Return the address of a channel's page."""
    return address("open_channel_detail", broker, name=name)


def queue_href(broker: str, vhost: str, name: str) -> str:
    """Return the address that leads to a queue's page."""
    return address("queue_named", broker, vhost=vhost, name=name)


def connection_row(broker: str, item: Connection) -> ConnectionRow:
    """Return what the list draws of a connection."""
    state, tone, what = state_words(item.state)
    return ConnectionRow(
        href=connection_href(broker, item.name),
        title=item.called or item.name,
        state=state,
        tone=tone,
        what=what,
        client=" ".join(filter(None, (item.client, item.version))),
        since=moment(item.connected),
        owner=owners.owner(broker, item.ours),
        channels=found_in("open_channel_list", broker, f"connection:{quoted(item.name)}"),
    )


def channel_row(broker: str, item: Channel) -> ChannelRow:
    """Return what the list draws of a channel."""
    return ChannelRow(
        href=channel_href(broker, item.name),
        connection=connection_href(broker, item.connection),
        marks=marks(item),
        queues=[(name, queue_href(broker, item.vhost, name)) for name in item.queues[:3]],
        more_queues=max(0, len(item.queues) - 3),
        since=moment(item.held),
    )


def marks(item: Channel) -> list[tuple[str, str, str]]:
    """Return the features of a channel: words, colour, what that means."""
    state = state_words(item.state)
    is_full = bool(
        item.prefetch and item.unacked and item.unacked >= item.prefetch * max(1, item.consumers or 1)
    )
    is_all_full = bool(item.global_prefetch and (item.unacked or 0) >= item.global_prefetch)
    told = (
        (bool(state[1]), state),
        (
            is_full or is_all_full,
            (
                _("full"),
                "amber",
                _("It holds as many as its prefetch allows: it gets no more before it acks."),
            ),
        ),
        (
            bool(item.returned_rate or item.dropped_rate),
            (_("unroutable"), "amber", _("No queue takes some of what it publishes.")),
        ),
        (item.confirm, (_("confirms"), "", _("The broker confirms what it publishes."))),
        (
            item.transactional,
            (_("transactional"), "", _("What it publishes and acks counts once it commits.")),
        ),
    )
    return [words for holds, words in told if holds]


def state_words(state: str) -> tuple[str, str, str]:
    """Return a state in words, its colour ("" for nothing to see), and what it means for the client."""
    table = {
        "blocked": (_("blocked"), "red", _("The broker has an alarm: it takes nothing from this publisher.")),
        "blocking": (
            _("blocking"),
            "amber",
            _("The broker has an alarm: it blocks this one once it publishes."),
        ),
        "flow": (_("flow"), "amber", _("It publishes faster than the broker keeps up, and is slowed down.")),
        "starting": (_("starting"), "blue", _("It has not signed in yet.")),
        "opening": (_("opening"), "blue", _("It has not opened its virtual host yet.")),
        "closing": (_("closing"), "grey", _("It is being closed.")),
        "closed": (_("closed"), "grey", _("It is closed.")),
    }
    return table.get(state, (state, "", ""))


def moment(epoch: float | None) -> datetime | None:
    """Return epoch seconds as a moment; None for none, or for one that no calendar has."""
    try:
        return None if epoch is None else datetime.fromtimestamp(epoch, UTC)
    except (ValueError, OverflowError, OSError):
        return None


@dataclass(frozen=True)
class StreamEnd:
    """A reader or a publisher of a stream, with the stream's page."""

    item: StreamReader | StreamPublisher
    href: str


@dataclass(frozen=True)
class StreamEnds:
    """What a connection reads of streams and writes to them."""

    readers: list[StreamEnd]
    publishers: list[StreamEnd]


@dataclass(frozen=True)
class WholeConnection:
    """One connection: its row, what the list has no room for, its channels, its sessions; what it reads by neither,
    with the queues' pages; `ends`: of streams, None where that is not told."""

    detail: Detail
    row: ConnectionRow
    channels: list[tuple[Channel, ChannelRow]]
    channel_count: int
    sessions: Sequence[Session] | None
    readers: Sequence[Reader]
    reader_count: int
    ends: StreamEnds | None
    tls: Pairs
    properties: Pairs
    of_user: str
    of_address: str


def whole_connection(
    broker: str,
    detail: Detail,
    channels: Table,
    sessions: Sequence[Session] | None,
    apart: Sequence[Mapping[str, Any]],
    ends: Ends | None,
) -> WholeConnection:
    """Return a connection with its channels as they were last listed; `apart`: its consumers that are of none;
    `ends`: what it does with streams."""
    item = detail.connection
    names, found = channels.column("connection"), channels.order("held")
    places = [place for place in found if names[place] == item.name]
    rows = [channels.row(place) for place in places[:MOST_SHOWN]]
    return WholeConnection(
        detail=detail,
        row=connection_row(broker, item),
        channels=[(row, channel_row(broker, row)) for row in rows],
        channel_count=len(places),
        sessions=sessions,
        readers=_readers(broker, item.vhost, apart[:MOST_SHOWN]),
        reader_count=len(apart),
        ends=_stream_ends(broker, item.vhost, ends) if ends else None,
        tls=list(detail.tls.items()),
        properties=_flat(detail.properties),
        of_user=found_in("connection_list", broker, f"user:{quoted(item.user)}"),
        of_address=found_in("connection_list", broker, f"address:{quoted(item.address)}"),
    )


@dataclass(frozen=True)
class Passed:
    """What a channel passes to, or gets from, with its page and the rates that are not zero."""

    name: str
    href: str
    rates: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class WholeChannel:
    """One channel: its row, its consumers with their queues' pages and whose they are, where its messages go."""

    item: Channel
    row: ChannelRow
    readers: Sequence[Reader]
    publishes: list[Passed]
    deliveries: list[Passed]


def whole_channel(broker: str, detail: ChannelDetail, held: float | None) -> WholeChannel:
    """Return a channel as the broker tells of it now; `held`: since when it holds messages, as the list knows."""
    item = detail.channel
    row = channel_row(broker, item)
    return WholeChannel(
        item=item,
        row=row if held is None else ChannelRow(**{**vars(row), "since": moment(held)}),
        readers=_readers(broker, item.vhost, item.readers),
        publishes=[_passed(flow, exchange_href(broker, flow.vhost, flow.name)) for flow in detail.publishes],
        deliveries=[_passed(flow, queue_href(broker, flow.vhost, flow.name)) for flow in detail.deliveries],
    )


def cut_sentences(cut: Cut) -> list[str]:
    """Return what a close cuts besides queues and consumers, in sentences; what is lost first."""
    said = []
    if cut.lost:
        text = ngettext(
            "%(n)s message is published and not yet confirmed: who sent it cannot know if it arrived.",
            "%(n)s messages are published and not yet confirmed: who sent them cannot know if they arrived.",
            cut.lost,
        )
        said.append(text % {"n": cut.lost})
    if cut.unacked is None:
        said.append(_("How many messages go back to their queues the broker does not say."))
    elif cut.unacked:
        text = ngettext(
            "%(n)s message goes back to ready and is delivered once more: it may be handled twice.",
            "%(n)s messages go back to ready and are delivered once more: they may be handled twice.",
            cut.unacked,
        )
        said.append(text % {"n": cut.unacked})
    else:
        said.append(_("No message goes back: none is unacked."))
    if cut.untold:
        text = ngettext(
            "%(n)s client is not told the reason: the protocols MQTT and stream have no words for it.",
            "%(n)s clients are not told the reason: the protocols MQTT and stream have no words for it.",
            cut.untold,
        )
        said.append(text % {"n": cut.untold})
    return said


def _readers(broker: str, vhost: str, found: Sequence[Mapping[str, Any]]) -> list[Reader]:
    return [
        (
            reader,
            queue_href(broker, vhost, reader["queue"]),
            _owner(broker, reader["tag"]),
            pairs(reader.get("arguments", {})),
        )
        for reader in found
    ]


def _stream_ends(broker: str, vhost: str, ends: Ends) -> StreamEnds:
    def shown(items: Sequence[StreamReader | StreamPublisher]) -> list[StreamEnd]:
        return [StreamEnd(item, queue_href(broker, vhost, item.stream)) for item in items[:MOST_SHOWN]]

    return StreamEnds(shown(ends.readers), shown(ends.publishers))


def _owner(broker: str, tag: str) -> Owner | None:
    return next(iter(owners.owners(broker, [tag], ())), None)


def _passed(flow: Flow, href: str) -> Passed:
    return Passed(flow.name, href, [(name, rate) for name, rate in flow.rates.items() if rate])


def _flat(properties: Mapping[str, Any]) -> Pairs:
    """Return what a client says of itself; of its capabilities those it has."""
    plain = {name: value for name, value in properties.items() if name != "capabilities"}
    able = properties.get("capabilities")
    if isinstance(able, dict):
        plain["capabilities"] = ", ".join(sorted(str(name) for name, has in able.items() if has))
    return pairs(plain)
