"""A column of a list: each value once, and which of them stands in each row. Pure.

Lists of a broker repeat themselves: ten thousand bindings have a hundred exchanges. What is worked out of a value
(lower case, whether it matches, its place in an order) is worked out once, and orders are made of small numbers.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cached_property
from typing import Any

import msgpack


class Column:
    """The values of one column. `distinct` has each once, `codes` says for each row which. Nobody changes them."""

    def __init__(self, distinct: list[Any], codes: Sequence[int]) -> None:
        self.distinct = distinct
        self.codes = codes

    @classmethod
    def of(cls, values: Iterable[Any]) -> Column:
        """Return a column of these values, a row each."""
        places: dict[Hashable, int] = {}
        distinct: list[Any] = []
        codes: list[int] = []
        for value in values:
            known_by = _known_by(value)
            code = places.get(known_by)
            if code is None:
                code = places[known_by] = len(distinct)
                distinct.append(value)
            codes.append(code)
        return cls(distinct, codes)

    @classmethod
    def packed(cls, distinct: list[Any], codes: bytes) -> Column:
        """Return the column that `pack` made this of."""
        numbers = array("I", codes)
        if sys.byteorder == "big":
            numbers.byteswap()
        return cls(distinct, numbers.tolist())

    def pack(self) -> tuple[list[Any], bytes]:
        """Return the values, and which stands in each row as 32 bits, the lowest first."""
        numbers = array("I", self.codes)
        if sys.byteorder == "big":
            numbers.byteswap()
        return self.distinct, numbers.tobytes()

    def __getitem__(self, place: int) -> Any:
        return self.distinct[self.codes[place]]

    def whole(self) -> list[Any]:
        """Return the value of each row."""
        return list(map(self.distinct.__getitem__, self.codes))

    @cached_property
    def lowered(self) -> list[str]:
        """The distinct values in lower case, as texts."""
        return [str(value or "").lower() for value in self.distinct]

    @cached_property
    def _ranks(self) -> list[int]:
        """The place of each distinct value in their order, from 1, whatever the case; 0 for what is not known."""
        is_text = any(isinstance(value, str) for value in self.distinct)
        keys: Sequence[Any] = self.lowered if is_text else self.distinct
        order = sorted({key for key in keys if key is not None})
        places = {key: place for place, key in enumerate(order, 1)}
        return [0 if key is None else places[key] for key in keys]

    def ranks(self, *, down: bool = False, unknown_last: bool = False) -> tuple[list[int], int]:
        """Return a number for each row by which rows can be ordered, and one that is above all of them."""
        most = max(self._ranks, default=0)
        ranks = [most + 1 - rank if rank else 0 for rank in self._ranks] if down else self._ranks
        if unknown_last:
            ranks = [rank or most + 1 for rank in ranks]
        return list(map(ranks.__getitem__, self.codes)), most + 2

    def holding(self, places: Sequence[int], hits: Sequence[bool]) -> list[int]:
        """Return those of `places` whose value is hit; `hits` speak of the distinct values."""
        codes = self.codes
        return [place for place in places if hits[codes[place]]]

    def hits(self, holds: Callable[[Any], bool]) -> list[bool]:
        """Return of which distinct values something holds."""
        return [holds(value) for value in self.distinct]


def _known_by(value: Any) -> Hashable:
    """Return what tells a value from others: 1, 1.0 and true are three."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return (value.__class__, value)
    return bytes(msgpack.packb(value, unicode_errors="surrogatepass", default=str))
