"""What is shown of policies: a row of the list, one with all that it matches, those that match a queue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.administration.effects import definition_words
from mqadmin.administration.exchanges.lists import EXCHANGES
from mqadmin.administration.listed.naming import address
from mqadmin.administration.listed.places import exchange_href
from mqadmin.administration.listing import reading
from mqadmin.administration.policies import words as policy_words
from mqadmin.administration.policies.lists import POLICIES
from mqadmin.core import brokers
from mqadmin.core.hooks import Panel
from mqadmin.core.pages.formats import number
from mqadmin.core.tones import Tone
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.administration import policies
from mqadmin.rabbit.administration.policies import Kind, Policy
from mqadmin.rabbit.errors import RabbitError
from mqadmin.rabbit.topology.patterns import compiled
from mqadmin.rabbit.topology.policies import Ranked, Version
from mqadmin.rabbit.topology.policy_keys import covered
from mqadmin.rabbit.topology.policy_matches import Match, Named, of_object, of_policy, settled
from mqadmin.rabbit.types import PolicyInfo, QueueInfo

MOST_SHOWN = 200
MOST_TRIED = 12  # names that a pattern which is being typed matches


@dataclass(frozen=True)
class PolicyRow:
    """A row of the list: where it leads, its keys in words, what it matches in words, `tone` of that."""

    href: str
    keys: list[tuple[str, str]]
    for_: str
    matches: str
    tone: Tone
    edit: str
    delete: str


@dataclass(frozen=True)
class MatchRow:
    """A policy and an object that it matches, as a table shows them."""

    name: str
    href: str
    kind: str
    verdict: str
    why: str
    tone: Tone
    priority: int
    by_operator: bool = False


@dataclass(frozen=True)
class Whole:
    """One policy: what it matches, those first to which it does not apply; how many of all that.

    `others`: how many have such a name, and are of a kind that it is not for.
    """

    policy: PolicyInfo
    keys: list[tuple[str, str, str]]
    for_: str
    rows: list[MatchRow]
    count: int
    others: int
    words: str
    tone: Tone


def policy_row(broker: str, item: Policy) -> PolicyRow:
    """Return what the list draws of a policy."""
    names = {"vhost": item.vhost, "name": item.name, "kind": item.kind}
    words, tone = outcome(item.matched, item.won, item.queues, item.exchanges)
    return PolicyRow(
        address("policy_detail", broker, **names),
        [(name, definition_words.value(name, value)) for name, value in item.definition.items()],
        policy_words.apply_to(item.apply_to),
        words,
        tone,
        address("policy_edit", broker, **names),
        address("policy_delete", broker, **names),
    )


def outcome(
    matched: int | None, won: int | None, queues: int | None, exchanges: int | None
) -> tuple[str, Tone]:
    """Return what a policy comes to in words."""
    if matched is None or won is None:
        return _("not counted: too many names"), "grey"
    if not matched:
        return _("matches nothing"), "amber"
    parts = []
    if queues:
        parts.append(ngettext("%(n)s queue", "%(n)s queues", queues) % {"n": number(queues)})
    if exchanges:
        parts.append(ngettext("%(n)s exchange", "%(n)s exchanges", exchanges) % {"n": number(exchanges)})
    what = _(" and ").join(parts)
    if not won:
        return _("never applies: matches %(what)s") % {"what": what}, "amber"
    if won < matched:
        if queues and exchanges:
            text = _("applies to %(won)s of %(n)s: %(what)s")
            return text % {"won": number(won), "n": number(matched), "what": what}, "grey"
        return _("applies to %(won)s of %(what)s") % {"won": number(won), "what": what}, "grey"
    return _("applies to %(what)s") % {"what": what}, "green"


def whole(slug: str, kind: Kind, vhost: str, name: str) -> Whole:
    """Return a policy with what it matches. Asks the broker; raises RabbitError, NotFound where it is gone."""
    client = brokers.for_page(slug)
    policy = policies.one(client, kind, vhost, name)
    by_operator = kind == "operator"
    version = version_of(slug)
    of_kind = policies.policies(client, kind, vhost)
    others = {item.name: item for item in of_kind}
    objects = policies.objects(client, vhost)
    if by_operator:
        objects = settled(objects, of_kind, version)
    found: list[tuple[Named, Match]] = []
    for item in objects:
        winner = others.get((item.operator_policy if by_operator else item.policy) or "")
        match = of_policy(item, policy, winner, version)
        if match is not None:
            found.append((item, match))
    found.sort(key=lambda pair: (pair[1].why == "applies", pair[0].name))
    applies = sum(match.why == "applies" for _item, match in found)
    meant = [(item, match) for item, match in found if match.why != "apply_to"]
    exchanges = sum(item.kind == "exchange" for item, _match in meant)
    words, tone = outcome(len(meant), applies, len(meant) - exchanges, exchanges)
    return Whole(
        policy,
        [
            (key, definition_words.value(key, value), policy_words.does(key))
            for key, value in policy.definition.items()
        ],
        policy_words.apply_to(policy.apply_to),
        [_row(slug, item, match) for item, match in meant[:MOST_SHOWN]],
        len(meant),
        len(found) - len(meant),
        words,
        tone,
    )


def of_thing(slug: str, vhost: str, name: str, *, is_exchange: bool) -> list[tuple[Kind, Match, Named]]:
    """Return the policies of both kinds that match a queue or an exchange, live. Raises RabbitError."""
    client = brokers.for_page(slug)
    item = next(
        (
            found
            for found in policies.objects(client, vhost)
            if found.name == name and (found.kind == "exchange") == is_exchange
        ),
        None,
    )
    if item is None:
        return []
    version = version_of(slug)
    by_operator = policies.policies(client, "operator", vhost)
    (item,) = settled([item], by_operator, version)
    operators = of_object(item, by_operator, version, by_operator=True)
    others = of_object(item, policies.policies(client, "policy", vhost), version)
    return [
        *(("operator", match, item) for match in operators),
        *(("policy", match, item) for match in others),
    ]


def queue_panel(queue: Queue, request: HttpRequest) -> Panel | None:  # noqa: ARG001
    """Tell on a queue's page which policies match it, which applies, and why the others do not."""
    slug = queue.broker.slug
    known = _known(slug, queue.vhost)
    version = version_of(slug)
    info = QueueInfo(queue.vhost, queue.name, queue.type)
    rows: list[MatchRow] = []
    kinds: tuple[Kind, ...] = ("operator", "policy")
    for kind in kinds:
        own = [_info(item) for item in known if item.kind == kind]
        found = Ranked(own, version).of_queue(info)
        applies = found.policy.name if found.is_sure and found.policy else ""
        if not found.is_sure and kind == "policy":
            applies = queue.policy
        by_operator = kind == "operator"
        item = Named(
            queue.vhost,
            queue.name,
            queue.type,
            policy="" if by_operator else applies,
            operator_policy=applies if by_operator else "",
        )
        matches = of_object(item, own, version, by_operator=by_operator)
        rows += [_policy_row(slug, kind, item, match) for match in matches]
    return Panel("administration/_queue_policies.html", {"rows": rows}, is_last=True) if rows else None


@dataclass(frozen=True)
class Tried:
    """What a pattern that is being typed matches, of the names that are known. `fault`: why it is no pattern."""

    count: int
    names: list[str]
    more: int
    fault: str = ""


def tried(slug: str, vhost: str, pattern: str, apply_to: str) -> Tried:
    """Return what a pattern matches: of the names that the monitor knows, else asked for. Raises RabbitError."""
    found = compiled(pattern)
    if found is None:
        return Tried(0, [], 0, _("This pattern cannot be tried here: RabbitMQ decides about it."))
    kinds = covered(apply_to)
    queues = Queue.objects.filter(broker__slug=slug, gone_at__isnull=True)
    if queues.exists():
        queues = queues.filter(vhost=vhost, type__in=kinds).order_by("name")
        names = [name for name in queues.values_list("name", flat=True) if found.matches(name)]
        if "exchange" in kinds:
            rows = reading.look(slug, EXCHANGES).rows()
            names += sorted(name for at, name in rows.places if at == vhost and name and found.matches(name))
    else:  # no monitor has looked yet
        known = policies.objects(brokers.for_page(slug), vhost)
        names = [item.name for item in known if item.kind in kinds and item.name and found.matches(item.name)]
    return Tried(len(names), names[:MOST_TRIED], max(0, len(names) - MOST_TRIED))


def version_of(slug: str) -> Version | None:
    """Return the version of a broker as it was last seen, else as it says; None where it does not answer."""
    text = Broker.objects.filter(slug=slug).values_list("version", flat=True).first()
    try:
        text = text or brokers.for_page(slug).overview().version
    except RabbitError:
        return None
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def _known(slug: str, vhost: str) -> Sequence[Policy]:
    rows = reading.glance(slug, POLICIES).rows()
    return [rows.row(place) for place, of in enumerate(rows.column("vhost")) if of == vhost]


def _info(item: Policy) -> PolicyInfo:
    return PolicyInfo(item.vhost, item.name, item.pattern, item.priority, item.definition, item.apply_to)


def _row(slug: str, item: Named, match: Match) -> MatchRow:
    href = (
        exchange_href(slug, item.vhost, item.name)
        if item.kind == "exchange"
        else address("queue_named", slug, vhost=item.vhost, name=item.name)
    )
    return MatchRow(
        item.name or _("the default exchange"),
        href,
        policy_words.kind(item.kind),
        policy_words.verdict(match),
        _why(match, item),
        policy_words.TONES[match.why],
        match.policy.priority,
    )


def _why(match: Match, item: Named) -> str:
    """Return what the verdict alone does not say."""
    return "" if match.why == "applies" and not match.idle else policy_words.why(match, item.kind)


def _policy_row(slug: str, kind: str, item: Named, match: Match) -> MatchRow:
    return MatchRow(
        match.policy.name,
        address("policy_detail", slug, vhost=item.vhost, name=match.policy.name, kind=kind),
        ", ".join(_keys(match.policy.definition.items())),
        policy_words.verdict(match),
        _why(match, item),
        policy_words.TONES[match.why],
        match.policy.priority,
        kind == "operator",
    )


def _keys(pairs: Iterable[tuple[str, Any]]) -> list[str]:
    return [f"{name} {definition_words.value(name, value)}" for name, value in pairs]
