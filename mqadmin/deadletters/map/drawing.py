"""The map as a picture: queues in layers from left to right, what is alike drawn once. Pure; units are pixels.

Queues that dead-letter in the same way to the same place are one box. So are pairs that differ only in a name:
`orders -> orders.dlq`, `mails -> mails.dlq` is one line `{} -> {}.dlq`, however many there are. What has
something wrong with it is drawn by itself, up to MOST_BOXES boxes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import ngettext

from mqadmin.core import unseen
from mqadmin.core.pages import formats
from mqadmin.deadletters.map.mapping import Mapped, MappedQueue

WIDTH, HEIGHT, GAP, ACROSS, MARGIN = 220, 46, 14, 110, 12
MOST_BOXES = 120
ALIKE = 3  # so many that are alike become one box
_LONGEST = 25


def _width(text: str) -> int:
    """Return how many letters it takes: a sign without a shape is written out."""
    return len(unseen.lines(text))


@dataclass
class Box:
    """One queue, or several that are alike. `x`, `y`: its upper left corner."""

    key: str
    names: list[str]
    kind: str
    level: str
    title: str
    text: str = ""
    row_id: int | None = None
    layer: int = 0
    x: float = 0
    y: float = 0
    after: set[str] = field(default_factory=set)

    @property
    def shown(self) -> str:
        """The title, as much as the box holds: the end of a name tells more than its middle."""
        if _width(self.title) <= _LONGEST:
            return self.title
        start, end = self.title, self.title
        while _width(start) > _LONGEST - 11:
            start = start[:-1]
        while _width(end) > 10:
            end = end[1:]
        return f"{start}…{end}"

    @property
    def middle(self) -> float:
        return self.y + HEIGHT / 2


@dataclass(frozen=True)
class Arrow:
    """An arrow. `is_certain`: every letter goes there; `is_back`: it leads to the left, round a circle."""

    path: str
    is_certain: bool
    is_back: bool
    level: str
    label: str


@dataclass(frozen=True)
class Picture:
    """Boxes and lines in a field of `width` by `height`; `left_out`: queues there was no room for."""

    boxes: Sequence[Box]
    lines: Sequence[Arrow]
    width: float
    height: float
    left_out: int = 0


LOST = "\0lost"


def draw(found: Mapped) -> Picture:
    """Lay out the map."""
    boxes, edges, left_out = _boxes(found)
    _layers(boxes, edges)
    columns: dict[int, list[Box]] = defaultdict(list)
    for box in boxes.values():
        columns[box.layer].append(box)
    _order(columns, edges)
    height = max((len(column) for column in columns.values()), default=0) * (HEIGHT + GAP) + 2 * MARGIN
    for layer, column in columns.items():
        top = (height - len(column) * (HEIGHT + GAP) + GAP) / 2 if len(columns) > 1 else MARGIN
        for index, box in enumerate(column):
            box.x = MARGIN + layer * (WIDTH + ACROSS)
            box.y = max(MARGIN, top) + index * (HEIGHT + GAP)
    lines = [_line(boxes[start], boxes[end], edge) for (start, end), edge in edges.items()]
    has_back = any(line.is_back for line in lines)
    width = MARGIN * 2 + (max(columns, default=0) + 1) * (WIDTH + ACROSS) - ACROSS
    return Picture(list(boxes.values()), lines, width, height + (24 if has_back else 0), left_out)


@dataclass
class _Edge:
    is_certain: bool = True
    level: str = ""
    label: str = ""


def _boxes(found: Mapped) -> tuple[dict[str, Box], dict[tuple[str, str], _Edge], int]:
    """Return boxes by key, edges by the keys they join, and how many queues were left out."""
    groups = _alike(found.places)
    box_of: dict[str, str] = {}
    boxes: dict[str, Box] = {}
    left_out = 0
    for key, names in sorted(groups.items(), key=lambda item: (not _worst(found, item[1]), item[0])):
        if len(boxes) >= MOST_BOXES:
            left_out += len(names)
            continue
        boxes[key] = _box(key, names, found)
        box_of.update(dict.fromkeys(names, key))
    edges: dict[tuple[str, str], _Edge] = {}
    for name, start in box_of.items():
        place = found.places[name]
        if place.target.broken is not None:
            boxes.setdefault(LOST, Box(LOST, [], "lost", "red", ""))
            edges[start, LOST] = _Edge(level="red", label=place.by)
        for queue in place.target.to:
            end = box_of.get(queue)
            if end is not None:
                edge = edges.setdefault((start, end), _Edge(label=place.by))
                is_sure = place.target.certain or queue in place.target.sure
                edge.is_certain = edge.is_certain and is_sure
    return boxes, edges, left_out


def _worst(found: Mapped, names: Sequence[str]) -> bool:
    return any(found.places[name].level for name in names)


def _box(key: str, names: list[str], found: Mapped) -> Box:
    first = found.places[names[0]]
    if len(names) == 1:
        return Box(key, names, first.kind, first.level, first.name, _facts(first), first.row.pk)
    start, end = _ends(names)
    title = f"{start}…{end}" if start or end else names[0]
    return Box(key, names, first.kind, first.level, title, "")


def _facts(place: MappedQueue) -> str:
    count = place.row.total
    if not count:
        return ""
    return ngettext("%(n)s message", "%(n)s messages", count) % {"n": formats.number(count)}


def _ends(names: Sequence[str]) -> tuple[str, str]:
    """Return how all of the names begin and end."""
    low, high = min(names), max(names)
    size = next((i for i, letter in enumerate(low) if i >= len(high) or letter != high[i]), len(low))
    back = [name[size:][::-1] for name in names]
    low, high = min(back), max(back)
    tail = next((i for i, letter in enumerate(low) if i >= len(high) or letter != high[i]), len(low))
    return (low and names[0][:size]) or names[0][:size], low[:tail][::-1]


def _alike(places: Mapping[str, MappedQueue]) -> dict[str, list[str]]:
    """Return the names by the box they share."""
    by_shape: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for name, place in places.items():
        by_shape[_shape(place, places)].append(name)
    groups: dict[str, list[str]] = {}
    for shape, names in by_shape.items():
        if len(names) < ALIKE or shape[0] == "alone":
            groups.update({name: [name] for name in names})
        else:
            groups[f"{len(names)}\0{names[0]}"] = names
    return groups


def _shape(place: MappedQueue, places: Mapping[str, MappedQueue]) -> tuple[object, ...]:
    """Return what queues that are drawn as one have in common."""
    target, name = place.target, place.name
    flags = tuple(flag.code for flag in place.flags)
    if target.leads_back or (flags and place.level == "red" and target.broken is None):
        return "alone", name
    if target.exchange is None:  # an inbox: alike if each belongs to one source that is like the others
        owner = places.get(target.from_[0]) if len(target.from_) == 1 else None
        if owner is None or owner.target.leads_back:
            return "alone", name
        return "inbox", target.is_inbox, _relative(name, owner.name), *_sent(owner), flags
    if target.from_:
        return "alone", name
    return "source", *_sent(place), target.is_delay, target.broken, flags


def _sent(place: MappedQueue) -> tuple[object, ...]:
    target = place.target
    return (
        _relative(target.exchange or "", place.name),
        _relative(target.routing_key or "", place.name),
        tuple(_relative(queue, place.name) for queue in target.to),
        target.choice,
        tuple(_relative(queue, place.name) for queue in (*target.sure, *target.otherwise)),
    )


def _relative(text: str, name: str) -> str:
    return text.replace(name, "\0") if name in text else text


def _layers(boxes: Mapping[str, Box], edges: Mapping[tuple[str, str], _Edge]) -> None:
    """Put each box right of what leads to it. An edge that closes a circle does not count."""
    following: dict[str, list[str]] = defaultdict(list)
    for start, end in edges:
        if start != end:
            following[start].append(end)
    targets = {end for _start, end in edges}
    roots = [key for key in boxes if key not in targets] + list(boxes)
    finished: list[str] = []
    state: dict[str, int] = {}
    back: set[tuple[str, str]] = set()
    for root in roots:
        if root in state:
            continue
        work = [(root, iter(following[root]))]
        state[root] = 1
        while work:
            node, rest = work[-1]
            step = next(rest, None)
            if step is None:
                state[node] = 2
                finished.append(node)
                work.pop()
            elif step not in state:
                state[step] = 1
                work.append((step, iter(following[step])))
            elif state[step] == 1:
                back.add((node, step))
    for node in reversed(finished):
        for step in following[node]:
            if (node, step) not in back:
                boxes[step].layer = max(boxes[step].layer, boxes[node].layer + 1)


def _order(columns: Mapping[int, list[Box]], edges: Mapping[tuple[str, str], _Edge]) -> None:
    """Order each column by where its neighbours to the left stand, then the first by those to the right."""
    left: dict[str, list[str]] = defaultdict(list)
    right: dict[str, list[str]] = defaultdict(list)
    for start, end in edges:
        left[end].append(start)
        right[start].append(end)
    place: dict[str, float] = {}

    def settle(column: list[Box], near: Mapping[str, list[str]]) -> None:
        def middle(box: Box) -> float:
            known = [place[key] for key in near.get(box.key, ()) if key in place]
            return sum(known) / len(known) if known else place.get(box.key, 0.0)

        column.sort(key=lambda box: (box.key == LOST, middle(box), box.title))
        for index, box in enumerate(column):
            place[box.key] = index / max(1, len(column))

    for layer in sorted(columns):
        settle(columns[layer], left)
    for layer in sorted(columns, reverse=True):
        settle(columns[layer], right)
    for layer in sorted(columns)[1:]:
        settle(columns[layer], left)


def _line(start: Box, end: Box, edge: _Edge) -> Arrow:
    x1, y1, x2, y2 = start.x + WIDTH, start.middle, end.x, end.middle
    is_back = end.layer <= start.layer
    if is_back and end.layer == start.layer - 1:  # between two columns there is room
        x1, y1, x2, y2 = start.x, start.middle + 10, end.x + WIDTH, end.middle + 10
        bend = ACROSS / 2
        path = f"M{x1:.0f},{y1:.0f} C{x1 - bend:.0f},{y1:.0f} {x2 + bend:.0f},{y2:.0f} {x2:.0f},{y2:.0f}"
    elif is_back:
        low = max(start.y, end.y) + HEIGHT + 12
        x1, x2 = start.x + WIDTH / 2, end.x + WIDTH / 2
        if start is end:
            x1, x2 = x1 + 30, x2 - 30
        path = (
            f"M{x1:.0f},{start.y + HEIGHT:.0f} C{x1:.0f},{low + 12:.0f} {x2:.0f},{low + 12:.0f} "
            f"{x2:.0f},{end.y + HEIGHT:.0f}"
        )
    else:
        bend = (x2 - x1) / 2
        path = f"M{x1:.0f},{y1:.0f} C{x1 + bend:.0f},{y1:.0f} {x2 - bend:.0f},{y2:.0f} {x2:.0f},{y2:.0f}"
    return Arrow(path, edge.is_certain, is_back, edge.level, edge.label)
