"""A finding for its template: in words, with where its objects lead. The words are of `stop_words`,
`upgrade_words`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy

from mqadmin.administration.listed.naming import address
from mqadmin.core.pages.formats import number, size
from mqadmin.core.tones import Tone
from mqadmin.rabbit.upkeep.finding import BREAKS, CARE, FINE, NOTE, Finding

Params = Mapping[str, Any]
TONES: dict[str, Tone] = {BREAKS: "red", CARE: "amber", NOTE: "blue", FINE: "green"}
_KINDS = {
    "queue": gettext_lazy("queue"),
    "policy": gettext_lazy("policy"),
    "operator policy": gettext_lazy("operator policy"),
    "node": gettext_lazy("node"),
    "flag": gettext_lazy("feature flag"),
    "deprecated": gettext_lazy("deprecated feature"),
    "connection": gettext_lazy("client"),
    "channel": gettext_lazy("channel of"),
}


@dataclass(frozen=True)
class Told:
    """A finding in words: what holds, what that means, what to do. `link`: the page where it is done, `link_label`
    what is done there."""

    title: str
    why: str = ""
    cure: str = ""
    link: str = ""
    link_label: str = ""


@dataclass(frozen=True)
class Saying:
    """How findings of one code are told, as in `Told`: with `%(name)s` for what a finding has to tell, plurals by
    "count" or, of another number, "count_name". `view`: the page where it is done, `query` behind its address."""

    title: Any
    why: Any = ""
    cure: Any = ""
    view: str = ""
    label: Any = ""
    query: str = ""


@dataclass(frozen=True)
class Example:
    """One of the objects that show it. `convert`: where a queue becomes a quorum queue, where that is a cure."""

    kind: str
    name: str
    vhost: str
    detail: str
    href: str
    convert: str = ""


@dataclass(frozen=True)
class Shown:
    """A finding as its template draws it; `more`: how many objects are not named."""

    code: str
    tone: Tone
    told: Told
    examples: list[Example]
    more: int


Words = Callable[[str, Finding, Params], Told]


def shown(broker: str, finding: Finding, words: Words) -> Shown:
    """Return a finding for its template: `words(broker, finding, params)` puts it in words."""
    params = {
        **{key: number(value) if isinstance(value, int) else value for key, value in finding.params.items()},
        "n": number(finding.count),
        "node": finding.about,
    }
    if isinstance(finding.params.get("limit"), int) and finding.params["limit"] > 10_000:
        params["limit"] = size(finding.params["limit"])
    named = sum(
        int(item["detail"].rpartition("×")[2] or 1) if "×" in item["detail"] else 1
        for item in finding.examples
    )
    return Shown(
        finding.code,
        TONES[finding.level],
        words(broker, finding, params),
        [_example(broker, item, finding.code) for item in finding.examples],
        max(0, finding.count - named),
    )


def told(table: Mapping[str, Saying], broker: str, finding: Finding, params: Params) -> Told:
    """Return a finding as the table of its kind has it; its code where that knows none."""
    said = table.get(finding.code)
    if said is None:
        return Told(finding.code)
    counts = {f"count_{key}": value for key, value in finding.params.items() if isinstance(value, int)}
    values = {**params, **counts, "count": finding.count}
    to = href(said.view, broker) + said.query if said.view else ""
    return Told(said.title % values, said.why % values, said.cure % values, to, str(said.label))


def href(view: str, broker: str) -> str:
    """Return the address of a page without names, "" where there is no such page."""
    try:
        return f"{reverse(view)}?broker={broker}"
    except NoReverseMatch:
        return ""


# What ends once the queue is a quorum queue.
_CONVERTED = ("mirrored", "transient")


def _example(broker: str, item: Mapping[str, str], code: str) -> Example:
    kind, name, vhost = item["kind"], item["name"], item["vhost"]
    to = convert = ""
    if kind == "queue":
        to = address("queue_named", broker, vhost=vhost, name=name)
        if code in _CONVERTED:
            convert = address("queue_convert_named", broker, vhost=vhost, name=name)
    elif kind == "node":
        to = address("node_detail", broker, name=name)
    elif kind == "flag":
        to = address("flag_enable", broker, name=name)
    return Example(str(_KINDS.get(kind, kind)), name, vhost, item["detail"], to, convert)
