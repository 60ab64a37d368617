"""For how long a channel holds its messages, as far as one listing after another tells."""

from __future__ import annotations

from typing import Any

import pytest

from mqadmin.rabbit.administration import channels
from mqadmin.rabbit.administration.channels import Channel

AT = 1000.0


def seen(*, unacked: int = 3, taken: int = 10, acked: int = 7, **more: Any) -> Channel:
    """Return a channel as a broker lists it; `idle`: since when it is idle, as it says."""
    idle, again, work, tag = (more.get(name) for name in ("idle", "again", "work", "tag"))
    item = channels.channel(
        {
            "name": "a (1)",
            "messages_unacknowledged": unacked,
            "idle_since": idle,
            "reductions": work or 100,
            "message_stats": {"deliver": taken, "ack": acked, "redeliver": again or 0},
        }
    )
    reader = channels.consumer({"consumer_tag": tag or "t", "queue": {"name": "q"}})[1]
    return channels._with(item, [reader])


def iso(epoch: int) -> str:
    return f"1970-01-01T00:{epoch // 60:02}:{epoch % 60:02}.000+00:00"


@pytest.mark.parametrize(
    ("before", "now", "held"),
    [
        (seen(), seen(), AT),  # nothing moved: since it was seen so
        (seen(idle=iso(900)), seen(idle=iso(1100)), 900),  # the broker begins anew each minute
        (seen(), seen(idle=iso(960)), 960),
        (seen(), seen(unacked=5, taken=12), AT),  # more came, none went
        (seen(), seen(taken=13, acked=10), None),  # three others
        (seen(), seen(unacked=2, acked=8), None),  # one of them went
        (seen(), seen(taken=13, again=3), None),  # given back, and delivered again
        (seen(), seen(taken=13), None),  # given back, and others came
        (seen(), seen(unacked=3, work=50), None),  # another channel of that name
        (seen(), seen(tag="u"), None),
        (seen(), seen(unacked=0, acked=10, idle=iso(1100)), None),  # it holds none
        (None, seen(idle=iso(1100)), 1100),
        (None, seen(), None),
        (seen(unacked=0), seen(idle="soon"), None),
    ],
)
def test_what_is_held_is_held_since(before: Channel | None, now: Channel, held: float | None) -> None:
    assert channels.carried(now, before, AT).held == held
