"""Whatever may stand in a message, for property-based tests: every basic property, every type of header field."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.support.wire import Field, Raw, properties

ONE_OF_EACH: list[tuple[bytes, Field]] = [
    (b"t", ("t", True)),
    (b"b", ("b", -128)),
    (b"B", ("B", 255)),
    (b"s", ("s", -(2**15))),
    (b"u", ("u", 2**16 - 1)),
    (b"I", ("I", -(2**31))),
    (b"i", ("i", 2**32 - 1)),
    (b"l", ("l", -(2**63))),
    (b"i small", ("i", 1)),
    (b"l small", ("l", 5)),
    (b"l negative", ("l", -1)),
    (b"f", ("f", 0.1)),
    (b"d", ("d", -0.0)),
    (b"D", ("D", (255, 2**32 - 1))),
    (b"S", ("S", "Zoë \0".encode())),
    (b"\xff", ("S", b"\xff\xfe")),
    (b"", ("x", b"\0\xff")),
    (b"T", ("T", 2**64 - 1)),
    (b"V", ("V", None)),
]
NUMBERS: list[Field] = [field for _name, field in ONE_OF_EACH if field[0] in "bBsuIilfdD"]
# Each type in a header, and inside arrays and tables.
EVERYWHERE: list[tuple[bytes, Field]] = [
    *ONE_OF_EACH,
    (b"A", ("A", [*NUMBERS, ("F", ONE_OF_EACH), ("A", [])])),
    (b"F", ("F", ONE_OF_EACH)),
]

_SHORT = st.one_of(
    st.binary(max_size=30), st.text(max_size=20).map(lambda text: text.encode("utf-8", "ignore"))
)
_NAMES = _SHORT.map(lambda name: name[:60])
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_LEAVES: st.SearchStrategy[Field] = st.one_of(
    st.booleans().map(lambda value: ("t", value)),
    st.integers(-(2**7), 2**7 - 1).map(lambda value: ("b", value)),
    st.integers(0, 2**8 - 1).map(lambda value: ("B", value)),
    st.integers(-(2**15), 2**15 - 1).map(lambda value: ("s", value)),
    st.integers(0, 2**16 - 1).map(lambda value: ("u", value)),
    st.integers(-(2**31), 2**31 - 1).map(lambda value: ("I", value)),
    st.integers(0, 2**32 - 1).map(lambda value: ("i", value)),
    st.integers(-(2**63), 2**63 - 1).map(lambda value: ("l", value)),
    st.integers(-300, 300).map(lambda value: ("l", value)),
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(lambda value: ("f", value)),
    _FLOATS.map(lambda value: ("d", value)),
    st.tuples(st.integers(0, 255), st.integers(0, 2**32 - 1)).map(lambda value: ("D", value)),
    st.binary(max_size=20).map(lambda value: ("S", value)),
    st.text(max_size=20).map(lambda value: ("S", value.encode("utf-8", "ignore"))),
    st.binary(max_size=20).map(lambda value: ("x", value)),
    st.integers(0, 2**64 - 1).map(lambda value: ("T", value)),
    st.just(("V", None)),
)
FIELDS: st.SearchStrategy[Field] = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda value: ("A", value)),
        st.dictionaries(_NAMES, inner, max_size=4).map(lambda value: ("F", list(value.items()))),
    ),
    max_leaves=20,
)
TABLES = st.dictionaries(_NAMES, FIELDS, max_size=6).map(lambda value: list(value.items()))
BODIES = st.one_of(
    st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode("utf-8", "ignore"))
)


def messages(user: str) -> st.SearchStrategy[Raw]:
    """Return messages as `user` may publish them: RabbitMQ checks `user_id`, and that `expiration` is a number."""
    octet, text = st.none() | st.integers(0, 255), st.none() | _SHORT
    written = st.builds(
        properties,
        content_type=text,
        content_encoding=text,
        headers=st.none() | TABLES,
        delivery_mode=st.sampled_from([None, 1, 2]),
        priority=octet,
        correlation_id=text,
        reply_to=text,
        expiration=st.none() | st.integers(10**6, 2**31).map(lambda value: str(value).encode()),
        message_id=text,
        timestamp=st.none() | st.integers(0, 2**64 - 1),
        type=text,
        user_id=st.sampled_from([None, user.encode()]),
        app_id=text,
        cluster_id=text,
    )
    return st.builds(Raw, written, BODIES)
