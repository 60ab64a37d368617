"""Chinese pages have Chinese signs: full-width ones after Chinese words, and no blank beside them."""

from __future__ import annotations

import pytest
from django.conf import settings

from mqadmin.core import brokers
from mqadmin.rabbit.config import BrokerConfig
from tests.core.conftest import SignIn
from tests.core.test_access_matrix import PAGES, everything
from tests.support import hard_data, pseudo


def named(word: str) -> str:
    return f"zz-{word}"


@pytest.mark.timeout(600)
def test_no_page_joins_chinese_words_with_half_width_signs(
    broker_config: BrokerConfig, vhost: str, sign_in: SignIn
) -> None:
    brokers.forget()
    client = sign_in("admin")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    wrong: dict[str, set[str]] = {}
    with hard_data.filled(broker_config, vhost, named) as world:
        for page in everything():
            # What may be typed in a search is half-width, what is said of it is not.
            if PAGES[page.name][0] is None or page.name.endswith("_complete"):
                continue
            for address in hard_data.addresses(world, page.name, page.address(world)):
                response = client.get(address)
                if "html" in response.get("Content-Type", ""):
                    for found in pseudo.half_width(response.content.decode()):
                        wrong.setdefault(found, set()).add(page.name)
    assert wrong == {}
