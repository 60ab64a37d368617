"""No English is left on any page: each text that people are shown is one that the catalogues have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from mqadmin.core import brokers
from mqadmin.rabbit.config import BrokerConfig
from tests.core.conftest import SignIn
from tests.support import hard_data, pseudo
from tests.support.addresses.pages import PAGES, everything

# What is no word of a language: the names of this test, whatever has a sign or a digit in it; and RabbitMQ's own.
OWN = """
    mqadmin RabbitMQ Erlang Python AMQP PLAIN AMQPLAIN MQTT STOMP HTTP TLS JSON CSV YAML TOML URL UTC DLX TTL ms
    kB MB GB TB classic quorum stream direct fanout topic headers default lazy running flow idle basic disc rss
    amqp clustering http English EN Ctrl Esc Enter production type priority expiration overflow expires balanced
    random all exactly nodes administrator admin read write configure
"""
# What stands in the data of this test, and examples of what may be typed.
DATA = """
    record text json once rejected shop error order work abcd zone gpu no_consumers full arguments op replace
    path value Pika Client Library See count reason queue time exchange routing shovel Python rabbit
    forward webhook
"""
NAME = re.compile(
    r"\[\{.*\}\]|tests\.\w+\W?: .*|\^\w+|zz[\w.:#*/@-]*|\S*[/@_=:>]\S*|\S+\.\S+|\S*\d\S*|\w+(-\w+)+"
    rf"|\b({'|'.join((OWN + DATA).split())})\b"
)
# What it says of a flag; names of what stands on the broker, which other tests use as well.
OF_RABBITMQ = {("flag_enable", "bdi"), ("definitions_compare", "bdi")}
HX = {"HX-Request": "true"}


def named(word: str) -> str:
    return f"zz-{word}"


@pytest.mark.timeout(600)
def test_no_page_has_english_outside_the_catalogues(
    broker_config: BrokerConfig, vhost: str, sign_in: SignIn, tmp_path: Path
) -> None:
    brokers.forget()
    client = sign_in("admin")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = pseudo.LANGUAGE
    left: dict[tuple[str, str], str] = {}
    with pseudo.spoken(tmp_path), hard_data.filled(broker_config, vhost, named) as world:
        for page in everything():
            if PAGES[page.name][0] is None:
                continue
            for address in hard_data.addresses(world, page.name, page.address(world)):
                for headers in ({}, HX):
                    response = client.get(address, headers=headers)
                    if "html" in response.get("Content-Type", ""):
                        for found in pseudo.outside(response.content.decode(), NAME):
                            if (page.name, found[0]) not in OF_RABBITMQ:
                                left.setdefault(found, page.name)
    assert left == {}
