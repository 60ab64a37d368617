"""Numbers that know the AMQP type they came in, where it is not the one that a plain number is written in.

A plain `int` is written as `I` where 32 bits hold it, else as `l`, a plain `float` as `d`. A number of any other
type is one of these: an int or a float in every respect, which is written as what it was. What is calculated from
one is a plain number again.
"""

from __future__ import annotations

import math
import struct
from typing import Any, ClassVar

INT32 = range(-(2**31), 2**31)
INT64 = range(-(2**63), 2**63)


class WireInt(int):
    """An integer of one of the types below. Nothing checks that it fits: see `integer`."""

    __slots__ = ()
    kind: ClassVar[bytes]
    form: ClassVar[str]
    bounds: ClassVar[range]


class Int8(WireInt):
    """Type `b`."""

    __slots__ = ()
    kind, form, bounds = b"b", "b", range(-(2**7), 2**7)


class UInt8(WireInt):
    """Type `B`."""

    __slots__ = ()
    kind, form, bounds = b"B", "B", range(2**8)


class Int16(WireInt):
    """Type `s`."""

    __slots__ = ()
    kind, form, bounds = b"s", "h", range(-(2**15), 2**15)


class UInt16(WireInt):
    """Type `u`."""

    __slots__ = ()
    kind, form, bounds = b"u", "H", range(2**16)


class UInt32(WireInt):
    """Type `i`."""

    __slots__ = ()
    kind, form, bounds = b"i", "I", range(2**32)


class Int64(WireInt):
    """Type `l` where 32 bits would do: a larger integer needs no type of its own, it is always `l`."""

    __slots__ = ()
    kind, form, bounds = b"l", "q", INT64


class Float32(float):
    """Type `f`. Its value is one that 32 bits hold: see `single`."""

    __slots__ = ()
    kind: ClassVar[bytes] = b"f"


INTEGERS: tuple[type[WireInt], ...] = (Int8, UInt8, Int16, UInt16, UInt32, Int64)


def integer(of: type[int], value: Any) -> int:
    """Return `value` as an integer of a type, `int` itself being 32 bits wide. Raises ValueError where that does
    not hold it, TypeError for anything but an integer."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("no integer")
    bounds = of.bounds if issubclass(of, WireInt) else INT32
    number = int(value)  # a range searches itself for a subclass of int
    if number not in bounds:
        raise ValueError("out of range")
    return number if of is Int64 and number not in INT32 else of(number)


def single(value: Any) -> Float32:
    """Return the number, or the text of one, rounded to 32 bits. Raises ValueError, TypeError, or OverflowError for
    one that is too large."""
    if isinstance(value, bool):
        raise TypeError("no number")
    number = float(value)
    return Float32(struct.unpack(">f", struct.pack(">f", number))[0] if math.isfinite(number) else number)
