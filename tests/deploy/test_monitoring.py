"""What is given for Prometheus and Grafana asks only for metrics, and labels of them, that there are."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator

import pytest
import yaml
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from deploy import ROOT
from mqadmin.core import hooks
from mqadmin.core.acts import leases
from mqadmin.core.exposition import exposition
from mqadmin.queues.models import Broker, Queue
from tests.deadletters.factories import letter
from tests.support.consumers import make_consumer, make_process, make_supervisor

_NAME = re.compile(r"\bmqadmin_[a-z_]+\b")
_LABELS = re.compile(r"\b(mqadmin_[a-z_]+)\{([^}]*)\}")
BOARD = json.loads((ROOT / "deploy" / "grafana" / "mqadmin.json").read_text())
RULES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "mqadmin.yml").read_text())


def rules() -> Iterator[dict[str, str]]:
    for group in RULES["groups"]:
        yield from group["rules"]


def queries() -> list[str]:
    board = [target["expr"] for panel in BOARD["panels"] for target in panel.get("targets", [])]
    return [*board, BOARD["templating"]["list"][1]["definition"], *(rule["expr"] for rule in rules())]


@pytest.fixture
def told(db: None) -> dict[str, set[str]]:
    """The names of all metrics there are, and the labels of each."""
    now = timezone.now()
    broker = Broker.objects.create(slug="default", reachable=True, sampled_at=now)
    values = {"ready": 1, "unacked": 1, "consumers": 1, "total": 1, "oldest_at": 1}
    for name in ("orders", "mqadmin.delay.1000"):
        Queue.objects.create(broker=broker, vhost="/", name=name, **values)
    make_process(make_consumer(name="orders", queue="orders", desired="running"), connected_at=now)
    make_supervisor("app-1")
    letter()
    for name in ("monitor:default", "worker"):
        leases.beat(name, "me", 60)
    found: dict[str, set[str]] = defaultdict(set)
    for family in text_string_to_metric_families(exposition(hooks.metrics())[0].decode()):
        for sample in family.samples:
            found[sample.name] |= set(sample.labels)
    return found


def test_board_and_rules_ask_for_what_there_is(told: dict[str, set[str]]) -> None:
    assert len(queries()) > 30
    for query in queries():
        assert set(_NAME.findall(query)) <= set(told), query
        for name, labels in _LABELS.findall(query):
            assert set(re.findall(r"(\w+)=", labels)) <= told[name], query


def test_what_an_alert_says_names_labels_that_it_has(told: dict[str, set[str]]) -> None:
    for rule in rules():
        grouped = re.findall(r"by \(([^)]*)\)", rule["expr"])
        names = _NAME.findall(rule["expr"])
        have = set(re.split(r",\s*", grouped[0])) if grouped else set.union(*(told[name] for name in names))
        said = " ".join(rule["annotations"].values())
        assert set(re.findall(r"\$labels\.(\w+)", said)) <= have, rule["alert"]


def test_panels_do_not_lie_over_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _y in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
