"""Every act that is audited is told in words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mqadmin.core.models import AuditEntry
from mqadmin.core.pages import words
from mqadmin.core.pages.formats import number

ROOT = Path(__file__).parents[3]
_CODE = re.compile(
    r'"((?:queues?|consumer|host|record|dead_letters|operation|mark|incident|silence|alert_rule|alert_channel'
    r'|user|token|wall|demo)\.[a-z_]+)"'
)
_OF_ACTS = re.compile(r'"([a-z_]+(?:\.[a-z_]+){1,2})"')  # in the rooms where acts are
# Kinds of operations, which are no acts, and names of modules, permissions and files. Events of the broker
# (`definitions/listening`) are left out.
NO_ACTS = {
    "queues.many",
    "queues.move",
    "queues.restore",
    "queues.convert",
    "queues.delete_kept",
    "consumer.name",
    "host.name",
    "passing.replay",
    "mqadmin.core.run_operation",
    "original.body",
}


def _has_acts(path: Path) -> bool:
    return "acts" in path.parts or path.stem in ("acts", "cutting")


def test_every_code_in_the_source_has_words() -> None:
    files = [path for folder in ("mqadmin", "consumers") for path in (ROOT / folder).rglob("*.py")]
    codes = {
        code
        for path in files
        if not {"migrations", "listening"} & set(path.parts) and path.name != "words.py"
        for code in (_OF_ACTS if _has_acts(path) else _CODE).findall(path.read_text())
    }
    codes |= {f"{of}_limit.{act}" for of in ("user", "vhost") for act in ("set", "clear")}
    assert len(codes) > 100
    assert sorted(code for code in codes - NO_ACTS if not words.of(code)) == []
    made = {f"consumer.{act}" for act in ("create", "kill", "scale", "stop_all")} | {
        "host.drain",
        "host.undrain",
    }
    assert all(words.of(code) for code in made)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"action": "queue.purge", "target": "/:orders", "count": 2000}, "purged /:orders (2,000 messages)"),
        ({"action": "queue.purge", "target": "/:orders"}, "purged /:orders"),
        ({"action": "consumer.stop", "target": "mails"}, "stopped the consumer mails"),
        (
            {"action": "dead_letters.discard", "target": "letters 1", "count": 2},
            "discarded letters 1 (2 letters)",
        ),
        ({"action": "shop.opened", "target": "x"}, "shop.opened x"),
        ({"action": "queue.delete", "target": "a", "outcome": "refused"}, "deleted the queue a (refused)"),
    ],
)
def test_an_act_is_a_sentence(values: dict[str, object], said: str) -> None:
    entry = AuditEntry(**{"outcome": "done", **values})
    assert words.said(entry) == said.replace("2,000", number(2000))
