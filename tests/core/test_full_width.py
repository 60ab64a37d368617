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


@pytest.mark.any_database
@pytest.mark.any_version
def test_what_it_looks_for_is_found() -> None:
    wrong = (
        "<p><b>失败</b>. 再试</p>",
        "<p>一条, 两条</p>",
        "<p>没有. </p>",
        '<a title="重试: 3"></a>',
        "<p>一。 <i>二</i></p>",
    )
    assert [html for html in wrong if not pseudo.half_width(html)] == []
    right = (
        "<p>失败。再试 3 次（共 5 次）</p>",
        "<p><bdi>a: b</bdi>：一</p>",
        "<p>一。</p> <p>二</p>",
        "<code>一, 二</code>",
    )
    assert [html for html in right if pseudo.half_width(html)] == []
