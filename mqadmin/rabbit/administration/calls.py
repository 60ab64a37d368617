"""How the nouns here call the management API: what is not there, not allowed and not offered are told apart.

Every call raises what `ManagementClient` does: NoResponse, Refused (the account may not), NotFound (no such
object), BadRequest (the broker says why it will not), and NotOffered where this broker has no such call at all. A
name of one or two dots cannot stand in an address: BadResponse, `unaddressable`. Any thread may call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from mqadmin.rabbit.errors import (
    BadRequest,
    BadResponse,
    ManagementUnavailable,
    NoResponse,
    NotFound,
    NotOffered,
)
from mqadmin.rabbit.management_api.client import ManagementClient

T = TypeVar("T")
Params = Mapping[str, str | int]
TRIES = 5  # of a call that has no answer in the moment in which a connection ends: 30 ms at most, as tried
LONG_S = 100.0  # in which a call that takes too long is made again
_ABSENT = ("api_absent", "management_unavailable")
_WORDLESS = ("unavailable", "unsaid")  # what `Http` calls 500 without a word: of GET, of all else


def rows(
    client: ManagementClient, read: Callable[[Any], T], *segments: str, params: Params | None = None
) -> list[T]:
    """Return each object of a listing as `read` makes it."""
    return client.typed(read, asked(client, *segments, params=params))


def one(
    client: ManagementClient, read: Callable[[Any], T], *segments: str, params: Params | None = None
) -> T:
    """Return one object as `read` makes it."""
    return client.typed(read, [asked(client, *segments, params=params)])[0]


def asked(client: ManagementClient, *segments: str, params: Params | None = None) -> Any:
    """Return what GET of a path answers. Of a path whose second part is a virtual host, a hidden one is Refused."""
    return _offered(client, lambda: client.read(*segments, params=params), segments)


def change(
    client: ManagementClient,
    method: str,
    *segments: str,
    body: Any = None,
    params: Params | None = None,
    headers: Mapping[str, str | bytes] | None = None,
    expect: tuple[int, ...] = (),
) -> Any:
    """PUT, POST or DELETE; return what is answered, None for nothing. Statuses in `expect` are answers, not
    errors."""
    return _offered(
        client,
        lambda: client.call(method, *segments, body=body, params=params, headers=headers, expect=expect),
        segments,
    )


def settled(client: ManagementClient, call: Callable[[], T]) -> T:
    """Make a call about a connection or channel, which may be made again: NotFound where it ends just then.

    In that moment RabbitMQ answers 500 and no word, to GET as to DELETE (tried on 3.10.8 and 4.3.6: its process
    went between two looks at it); asked again, it says that it is not there. Raises what the last try does.
    """
    for _again in range(TRIES - 1):
        try:
            return call()
        except (NoResponse, BadResponse) as error:
            if error.code not in _WORDLESS:
                raise
            client.whoami()  # raises where it is the broker that ends
    return call()


def to_the_end(call: Callable[[], object], *, may_be_gone: bool = False) -> None:
    """Make a call that has RabbitMQ go through one object after the other, till it is through.

    RabbitMQ stops in the midst of it where its caller hangs up: of 1,500 queues of a virtual host that was deleted
    371 stayed and served on (tried on 3.10.8 and 4.3.6). So after a timeout it is asked again, which goes on from
    there, and once where the connection was lost over it. `may_be_gone`: NotFound after that means that it is done.

    Raises NoResponse (`timeout`) where some of it is left after `LONG_S`, and what the call raises.
    """
    ends = time.monotonic() + LONG_S
    is_begun = is_lost = False
    while True:
        try:
            call()
        except NotFound:
            if not (is_begun and may_be_gone):
                raise
        except NoResponse as error:
            if error.code != "timeout" and is_lost:
                raise
            is_lost = error.code != "timeout"
            if time.monotonic() > ends:
                text = f"A part of it is done; after {LONG_S:g} s some is left. Do it again to go on."
                raise NoResponse(text, code="timeout") from error
            is_begun = True
            continue
        return


def _offered(client: ManagementClient, call: Callable[[], T], segments: tuple[str, ...]) -> T:
    """Make a call; where the broker has no such path, say that, and not that it has no management API."""
    try:
        return call()
    except ManagementUnavailable as error:
        if error.code not in _ABSENT:
            raise
        client.whoami()  # raises where the API is not there indeed
        raise NotOffered(
            _words("members of quorum queues" if segments[:2] == ("queues", "quorum") else segments[0])
        ) from error
    except BadRequest as error:
        if error.code != "not_allowed":
            raise
        raise NotOffered(
            _words("members of quorum queues" if segments[:2] == ("queues", "quorum") else segments[0])
        ) from error


def _words(kind: str) -> str:
    return (
        f"This broker's management API has no “{kind}”: its version has not, or the plugin that adds it is "
        "not enabled."
    )
