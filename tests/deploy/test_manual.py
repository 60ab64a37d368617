"""The manual: it builds strictly, asks nothing of another host, and says of the code what is in it."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.utils import translation

from consumers.handlers import registry
from deploy import ROOT
from deploy.manual import building, reference
from deploy.manual.reference import commands, settings
from deploy.manual.staging import Pages
from mqadmin.agents import described
from mqadmin.alerts.rules import built_in
from mqadmin.api import api
from mqadmin.core import hooks
from mqadmin.core.wording import worded
from mqadmin.queues.pages import broker_wording, wording

pytestmark = [pytest.mark.any_database, pytest.mark.any_version]
OF_NOBODY = {
    "MQADMIN_TEST_AMQP_URL",
    "MQADMIN_TEST_MANAGEMENT_URL",
    "MQADMIN_RABBITMQ4",
}  # read by tests alone


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manual as `make manual` builds it."""
    folder = tmp_path_factory.mktemp("manual")
    built = subprocess.run(
        [sys.executable, "-m", "deploy.manual", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


class _Loads(HTMLParser):
    """What a page makes a browser ask for by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "source", "link") and given.get("rel") != "canonical":
            self.found.append(given.get("src") or given.get("href") or "")


def test_no_page_asks_anything_of_another_host(manual: Path) -> None:
    pages = list(manual.rglob("*.html"))
    assert len(pages) > 80
    for path in pages:
        loads = _Loads()
        loads.feed(path.read_text())
        assert loads.found, path
        assert [url for url in loads.found if re.match(r"(\w+:)?//", url)] == [], path
    styles = "".join(path.read_text() for path in manual.rglob("*.css"))
    assert not re.search(r"url\(['\"]?(https?:)?//", styles)


def test_the_chinese_one_is_beside_it(manual: Path) -> None:
    chinese = manual / "zh-hans"
    for name in ("index.html", "begin/first-cure.html", "reference/verdicts.html", "running.html"):
        page = (chinese / name).read_text()
        assert '<html lang="zh"' in page, name
        here = "." if "/" not in name else ".."
        assert f'href="{here}/../{name}" hreflang="en"' in page, name
        english = (manual / name).read_text()
        assert f'href="{here}/zh-hans/{name}" hreflang="zh-Hans"' in english, name
    assert "这一页只有英文。" in (chinese / "running.html").read_text()
    assert "这一页只有英文。" not in (chinese / "index.html").read_text()


def test_its_reference_is_in_chinese(manual: Path) -> None:
    verdicts = (manual / "zh-hans/reference/verdicts.html").read_text()
    assert "正在落后" in verdicts
    for word in wording.TABLE.values():
        with translation.override("zh-hans"):
            assert html.escape(str(word.advice), quote=False) in verdicts
    with translation.override("zh-hans"):
        names = [worded(str(rule["name"])) for rule in built_in.RULES.values()]
    rules = (manual / "zh-hans/reference/alert-rules.html").read_text()
    assert [name for name in names if name not in rules or not re.search("[\u4e00-\u9fff]", name)] == []


def test_chinese_is_searched_by_its_words(manual: Path) -> None:
    index = (manual / "zh-hans" / "search" / "search_index.js").read_text()
    found = json.loads(index.removeprefix("var __index = "))
    titles = {entry["title"] for entry in found["docs"]}
    assert "备份\u200b与\u200b恢复" in titles
    assert "\\u200b" in found["config"]["separator"]


def test_it_is_searched_without_a_server(manual: Path) -> None:
    index = (manual / "search" / "search_index.js").read_text()
    for words in ("falling behind", "MQADMIN_SAMPLE_SECONDS", "resise_image"):
        assert words in index
    assert "assets/iframe-worker.js" in (manual / "index.html").read_text()


def test_what_is_linked_beside_docs_is_taken_along(manual: Path) -> None:
    assert "ExecStart" in (manual / "source/deploy/systemd/mqadmin-web.service.html").read_text()
    assert "mqadmin-web.service.html" in (manual / "source/deploy/systemd/index.html").read_text()
    assert "../source/readme.html#a-handler-of-your-own" in (manual / "begin/first-handler.html").read_text()


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("verdicts", [*wording.TABLE, *broker_wording.WORDS]),
        ("alert-rules", [str(rule["name"]) for rule in built_in.RULES.values()]),
        ("commands", [f"mqadmin {name}" for name in ("up", "mcp", *commands.names())]),
    ],
)
def test_the_reference_has_all_that_there_is(manual: Path, page: str, names: list[str]) -> None:
    text = (manual / "reference" / f"{page}.html").read_text()
    assert [name for name in names if name not in text] == []


def test_the_reference_has_every_handler_with_its_options(manual: Path) -> None:
    text = (manual / "reference/handlers.html").read_text()
    ours = [found for found in registry.all() if found.function.__module__.startswith("consumers.handlers")]
    assert len(ours) > 8
    for found in ours:
        for name in (found.name, *(field.name for field in registry.option_fields(found))):
            assert name in text, found.name


def test_the_reference_has_every_call_with_what_it_needs(manual: Path) -> None:
    text = (manual / "reference/api.html").read_text()
    calls = described.calls(api.get_openapi_schema(path_prefix="/api/v1/"))
    assert len(calls) > 100
    assert [call.path for call in calls.values() if f"{call.method} {call.path}" not in text] == []
    assert text.count("<em>Needs ") >= len(calls)


@pytest.mark.django_db
def test_the_reference_has_every_metric(manual: Path) -> None:
    text = (manual / "reference/metrics.html").read_text()
    names = {family.name for family in hooks.metrics()}
    assert len(names) > 25
    assert sorted(name for name in names if f"<code>{name}" not in text) == []
    assert "<code>vhost</code>" in text


def test_every_variable_that_the_code_reads_is_told() -> None:
    assert sorted(settings.read(ROOT).keys() - settings.told(ROOT).keys()) == []


def test_every_variable_that_is_told_is_read() -> None:
    read = settings.read(ROOT)
    told = [name for name in settings.told(ROOT) if name not in OF_NOBODY]
    unread = [name for name in told if name not in read and not name.startswith(settings.FAMILIES)]
    assert sorted(unread) == []


def test_a_variable_that_nobody_tells_of_fails_the_build(tmp_path: Path) -> None:
    for folder in ("mqadmin/rabbit", "consumers", "docs"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "Procfile").write_text("web: gunicorn --bind $BIND\n")
    (tmp_path / "Makefile").write_text("up:\n")
    (tmp_path / "mqadmin/rabbit/config.py").write_text("")
    for page in ("configuration.md", "agents.md"):
        (tmp_path / "docs" / page).write_text("| variable | meaning |\n| --- | --- |\n| `TZ` | the zone |\n")
    (tmp_path / "mqadmin/settings.py").write_text('A = words("TZ")\n')
    assert "#### `TZ`" in settings.all_settings(tmp_path)
    (tmp_path / "mqadmin/settings.py").write_text('A = flag("MQADMIN_NEW")\n')
    with pytest.raises(LookupError, match="MQADMIN_NEW"):
        settings.all_settings(tmp_path)


def test_every_page_of_the_reference_is_made() -> None:
    pages = "".join(path.read_text() for path in (ROOT / "docs" / "reference").glob("*.md"))
    marks = reference.MARK.findall(pages)
    assert sorted(marks) == sorted([*reference.MADE, "settings"])


def test_another_language_takes_the_place_of_pages_that_it_has(tmp_path: Path) -> None:
    docs, out = tmp_path / "docs", tmp_path / "out"
    for name, text in (("index.md", "Hello"), ("more.md", "More"), ("zh-hans/index.md", "你好")):
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text(f"{text}\n")
    (tmp_path / "mkdocs.zh-hans.yml").write_text("INHERIT: mkdocs.yml\n")
    (tmp_path / "static").mkdir()
    (tmp_path / "static/favicon.svg").write_text("<svg/>")
    assert building.languages(tmp_path) == ["en", "zh-hans"]
    for language, first in (("en", "Hello"), ("zh-hans", "你好")):
        building.gather(out / language, language, tmp_path)
        assert (out / language / "index.md").read_text() == f"{first}\n"
        assert (out / language / "more.md").read_text() == "More\n"
        assert not (out / language / "zh-hans").exists()


def test_a_page_that_is_not_translated_says_so_and_pages_lead_to_those_of_their_language(
    tmp_path: Path,
) -> None:
    docs = tmp_path / "docs"
    for name, text in (
        ("a.md", "# A\n\n## The `first`\n\n```\n## none\n```\n"),
        ("b.md", "# B\n\nMore.\n"),
        ("zh-hans/a.md", "# 甲\n\n## 第一\n\n[b](../b.md#more) [a](a.md) [c](../../c.md)\n"),
    ):
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text(text)
    (tmp_path / "c.md").write_text("[A](docs/zh-hans/a.md)\n")
    (tmp_path / "mkdocs.zh-hans.yml").write_text("INHERIT: mkdocs.yml\n")
    (tmp_path / "static").mkdir()
    (tmp_path / "static/favicon.svg").write_text("<svg/>")
    with translation.override("zh-hans"):
        building.gather(tmp_path / "out", "zh-hans", tmp_path)
    said = {name: (tmp_path / "out" / name).read_text() for name in ("a.md", "b.md", "source/c.md")}
    assert said["b.md"] == "# B\n\n> 这一页只有英文。\n\nMore.\n"
    assert said["a.md"].startswith('# 甲\n\n## <a id="the-first"></a>第一\n')
    assert said["a.md"].endswith("[b](b.md#more) [a](a.md) [c](source/c.md)\n")
    assert said["source/c.md"] == "[A](../a.md)\n"


def test_links_out_of_docs_are_turned_and_those_in_code_are_not(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "Procfile").write_text("web: gunicorn\n")
    pages = Pages(tmp_path, tmp_path / "out")
    text = "See [it](../Procfile#web).\n```\n[it](../Procfile)\n```\n"
    pages.write("howto/a.md", text.replace("../", "../../"), tmp_path / "docs/howto/a.md")
    pages.add_linked()
    written = (tmp_path / "out/howto/a.md").read_text()
    assert written == "See [it](../source/Procfile.md#web).\n```\n[it](../../Procfile)\n```\n"
    assert "web: gunicorn" in (tmp_path / "out/source/Procfile.md").read_text()
