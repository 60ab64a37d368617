"""A table whose heads stand beside its cells, so that a column is added in one place.

    <table class="listing">
    {% listing page as entry %}
      <tr id="entry-{{ entry.pk }}">
    {% column "who" %}{% translate "Who" %}
    {% cell %}{{ entry.actor }}
    {% column "num wide" title=hint %}{% translate "How many" %}
    {% cell "dim" %}{{ entry.count|number }}
    {% endlisting %}
    </table>

What stands before the first column is the tag that opens each row. `{% column %}` names the classes of the
column, of its head and of its cells: what a stylesheet says of a column's width goes by them, never by its
number. `{% cell %}` names further classes of the cell. Both take attributes: `aria_label="x"` is written as
`aria-label="x"`, one without a value is left out. `{% listing rows as row queue=row.queue %}` gives a part of
the row a name of its own; `heads="visually-hidden"` is the class of all heads together.

`{% listing rows as row keep=row.key %}` renders a row once for all who look: `key` must say all that the row is
made of, but for the language; None: rendered each time. What is told of its time as well is good `until=row.until`
(epoch seconds, asked once it is drawn). A refresh that says which rows it has
(`core.pages.rows_seen`) gets of those that are the same their place alone. A column with `if=` is there only where
that holds; with `{% listing rows as row choice=names %}` one with `key=` only where its key is among the names.
"""

from __future__ import annotations

import math
import time
from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import RLock
from typing import Any

from django import template
from django.template.base import FilterExpression, Node, NodeList, Parser, Token, token_kwargs
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mqadmin.core import permissions
from mqadmin.core.pages import rows_seen
from mqadmin.core.pages.rows_seen import Drawn
from mqadmin.core.rights.rules import NOTHING, Rights
from mqadmin.core.templatetags.mqadmin import attributes
from mqadmin.core.templating.lines import Body
from mqadmin.core.templating.straight import Writer
from mqadmin.core.translating import language, settled

register = template.Library()


@dataclass(frozen=True)
class Part:
    """A head or a cell: its classes, its attributes, what is in it."""

    css: FilterExpression | None
    attributes: Mapping[str, FilterExpression]
    inside: NodeList

    @property
    def is_plain(self) -> bool:
        """Whether its tag is the same in each row."""
        return not self.attributes and (self.css is None or not self.css.is_var)

    def opening(self, context: template.Context, tag: str, css: str = "") -> SafeString:
        """Return its opening tag alone, of one that is plain."""
        own = str(self.css.resolve(context)) if self.css else ""
        return SafeString(f"<{tag}{attributes({'class': f'{css} {own}'.strip()})}>")

    def draw(self, context: template.Context, tag: str, css: str = "") -> SafeString:
        """Return it as a <th> or <td>, with the classes of its column in front of its own."""
        own = str(self.css.resolve(context)) if self.css else ""
        values = {name: value.resolve(context) for name, value in self.attributes.items()}
        inside = SafeString(self.inside.render(context).strip())
        if sort := values.pop("sort", None):
            inside = _link(inside, sort, values.pop("title", ""))
            values["aria_sort"] = {"up": "ascending", "down": "descending"}.get(sort.direction)
        written = {"class": f"{css} {own}".strip(), **values}
        return SafeString(f"<{tag}{attributes(written)}>{inside}</{tag}>")


@dataclass(frozen=True)
class Column:
    """One column: its head, and what each of its cells is made of."""

    head: Part
    cell: Part
    condition: FilterExpression | None = None
    key: FilterExpression | None = None

    def is_shown(self, context: template.Context, choice: Container[str] | None) -> bool:
        """Whether the table has it this time. `choice`: the keys that somebody chose, None for all."""
        if self.key is not None and choice is not None and self.key.resolve(context) not in choice:
            return False
        return self.condition is None or bool(self.condition.resolve(context))


def _rights(context: template.Context) -> Rights:
    """Return what buttons ask for, of who asks."""
    user = getattr(context.get("request"), "user", None)
    return NOTHING if user is None else permissions.rights(user)


Cell = tuple[Part, str, SafeString | None]
"""A column's cell, the classes of its column, and its tag where that is the same in each row."""


class ListingNode(Node):
    """What `{% listing %}` draws: the heads, then a row for each item."""

    child_nodelists = ()

    def __init__(
        self,
        items: FilterExpression,
        name: str,
        names: dict[str, FilterExpression],
        row: NodeList,
        columns: list[Column],
    ) -> None:
        self.items, self._name, self._opening, self._columns = items, name, row, columns
        self._heads = names.pop("heads", None)
        self._keep = names.pop("keep", None)
        self._choice = names.pop("choice", None)
        self._until = names.pop("until", None)
        self._names = names
        self._drawing = RLock()
        self._bodies: dict[Hashable, Body] = {}  # by columns

    def render(self, context: template.Context) -> SafeString:
        """Return <thead> and <tbody>."""
        choice = self._choice.resolve(context) if self._choice else None
        columns = [column for column in self._columns if column.is_shown(context, choice)]
        with settled():
            with context.push():
                heads = "".join(column.head.draw(context, "th") for column in columns)
                css = str(self._heads.resolve(context)) if self._heads else ""
            rows = "\n".join(self._rows(context, columns))
        opening = format_html("<thead{}><tr>", attributes({"class": css}))
        return SafeString(f"{opening}{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>")

    def _rows(self, context: template.Context, columns: Sequence[Column]) -> Iterator[str]:
        classes = [str(column.head.css.resolve(context)) if column.head.css else "" for column in columns]
        # There are thousands of cells in a page: what is the same in each row is made once.
        openings = [
            column.cell.opening(context, "td", css) if column.cell.is_plain else None
            for column, css in zip(columns, classes, strict=True)
        ]
        cells = [
            (column.cell, css, made) for column, css, made in zip(columns, classes, openings, strict=True)
        ]
        items = self.items.resolve(context) or ()
        row = self._row(cells)
        if self._keep is None:
            for item in items:
                with context.push(**{self._name: item}):
                    yield row(context)
            return
        # Its buttons are those of who may press them.
        table = (self, language(), _rights(context), *(id(column) for column in columns))
        found = self._kept(context, items, table)
        if any(drawn is None for _item, _key, drawn in found):
            # Many ask at the same moment, after each sample: one of them draws.
            with self._drawing:
                found = self._drawn(context, items, table, row)
        rows = [drawn for _item, _key, drawn in found if drawn is not None]
        yield from rows_seen.shown(context.get("request"), rows)

    def _drawn(
        self, context: template.Context, items: Iterable[Any], table: Hashable, row: Body
    ) -> list[tuple[Any, Hashable, Drawn | None]]:
        """Return each item with its key and its row; `items.prepare` reads what those need that are not kept."""
        found = self._kept(context, items, table)
        missing = [item for item, _key, drawn in found if drawn is None]
        there = items.prepare(missing) if hasattr(items, "prepare") else missing
        made = []
        for item, key, drawn in found:
            if drawn is None and item in there:
                with context.push(**{self._name: item}):
                    html = row(context)
                    until = self._until.resolve(context) if self._until else math.inf
                    drawn = rows_seen.keep(table, key, html, until)
            made.append((item, key, drawn))
        return made

    def _kept(
        self, context: template.Context, items: Iterable[Any], table: Hashable
    ) -> list[tuple[Any, Hashable, Drawn | None]]:
        """Return each item with its key, and its row where that is kept."""
        assert self._keep is not None
        found, now = [], time.time()
        with context.push():
            for item in items:
                context[self._name] = item
                key = self._keep.resolve(context)
                found.append((item, key, rows_seen.kept(table, key, now)))
        return found

    def _row(self, cells: Sequence[Cell]) -> Body:
        """Return the function that draws a row of these columns."""
        columns = tuple((id(cell), css, made) for cell, css, made in cells)
        body = self._bodies.get(columns)
        if body is None:
            writer = Writer()
            for name, value in self._names.items():
                writer.set_name(name, value)
            writer.add_stripped(self._opening, "<tr>")
            writer.add_text("\n")
            for cell, css, made in cells:
                if made is None:
                    values = {"own": cell.css, **cell.attributes} if cell.css else cell.attributes
                    writer.add_tag(partial(_opening, css), values)
                else:
                    writer.add_text(made)
                writer.add_stripped(cell.inside)
                writer.add_text("</td>")
            writer.add_text("\n</tr>")
            body = self._bodies[columns] = writer.made("row")
        return body


def _opening(css: str, own: str = "", **values: Any) -> str:
    return f"<td{attributes({'class': f'{css} {own}'.strip(), **values})}>"


@register.tag
def listing(parser: Parser, token: Token) -> ListingNode:
    """Read `{% listing ITEMS as NAME other=NAME.part %}` up to `{% endlisting %}`."""
    bits = token.split_contents()
    if len(bits) < 4 or bits[2] != "as":
        raise template.TemplateSyntaxError("listing is written {% listing ITEMS as NAME %}")
    named = bits[4:]
    names = token_kwargs(named, parser)
    if named:
        raise template.TemplateSyntaxError(f"listing does not take {named[0]}")
    row, columns = parser.parse(("column", "endlisting")), []
    tag = parser.next_token()
    while tag.contents != "endlisting":
        head = _part(parser, tag, ("cell",))
        cell = _part(parser, parser.next_token(), ("column", "endlisting"))
        given = dict(head.attributes)
        condition, key = given.pop("if", None), given.pop("key", None)
        columns.append(Column(replace(head, attributes=given), cell, condition, key))
        tag = parser.next_token()
    return ListingNode(parser.compile_filter(bits[1]), bits[3], names, row, columns)


def _part(parser: Parser, token: Token, until: tuple[str, ...]) -> Part:
    bits = token.split_contents()[1:]
    css = parser.compile_filter(bits.pop(0)) if bits and not bits[0].partition("=")[1] else None
    values = token_kwargs(bits, parser)
    if bits:
        raise template.TemplateSyntaxError(f"not an attribute of a column or cell: {bits[0]}")
    return Part(css, values, parser.parse(until))


def _link(inside: SafeString, sort: Any, title: str) -> SafeString:
    """Return a head that sorts: `sort` has its `href`, and the `direction` ("up", "down") it is sorted by now."""
    arrow = {"up": " ↑", "down": " ↓"}.get(sort.direction, "")
    written = attributes({"href": sort.href, "title": title, "class": "sort" if arrow else ""})
    return format_html("<a{}>{}{}</a>", written, inside, arrow)
