"""Take all pictures, light and dark, wide and narrow, into docs/images/; those of the manual in each language too.

    .venv/bin/python -m deploy.screenshots [FOLDER]

Those of the Chinese manual go into docs/zh-hans/images/; where a FOLDER is given, into FOLDER/zh-hans.

Runs a `make up` of its own, with the demo, in a folder and on ports of its own, does there what the manual says,
and lets it work until there is something to see.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from deploy import ROOT
from deploy.screenshots import CHROMIUM_ARGUMENTS, scenes, words
from deploy.screenshots.webp import write
from deploy.tracked import tracked
from mqadmin.local import ports

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

READY_SECONDS, DATA_SECONDS = 240, 100
LANGUAGES = {"zh-hans": ("zh_Hans", "zh-CN")}  # its folder of docs: its catalogues, what a browser calls it
WIDE, NARROW = (1440, 900), (390, 844)
_EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def main() -> int:
    """Take all pictures. Returns 0."""
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    folder = given or ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    from playwright.sync_api import sync_playwright

    with _hook() as hook, _up(hook) as (address, password), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_ARGUMENTS
        )
        with _signed_in(browser, address, password, "light", WIDE) as page:
            scenes.prepare(page)
        print(f"The demo works for {DATA_SECONDS} s, so that there is something to see ...", flush=True)
        time.sleep(DATA_SECONDS)
        for theme in ("light", "dark"):
            with _signed_in(browser, address, password, theme, WIDE, folder / f"login-{theme}.webp") as page:
                _take(page, folder, f"-{theme}", {**scenes.PAGES, **scenes.STEPS})
            login = folder / f"login-{theme}-phone.webp"
            with _signed_in(browser, address, password, theme, NARROW, login) as page:
                _take(page, folder, f"-{theme}-phone", scenes.PAGES)
        manual = {name: scenes.PAGES[name] for name in scenes.IN_EVERY_LANGUAGE} | scenes.STEPS
        for language, (catalogue, locale) in LANGUAGES.items():
            own = given / language if given else ROOT / "docs" / language / "images"
            own.mkdir(parents=True, exist_ok=True)
            words.speak(catalogue)
            for theme in ("light", "dark"):
                with _signed_in(browser, address, password, theme, WIDE, locale=locale) as page:
                    _take(page, own, f"-{theme}", manual)
        browser.close()
    return 0


def _take(page: Page, folder: Path, suffix: str, wanted: dict[str, scenes.Scene]) -> None:
    for name, scene in wanted.items():
        scene(page)
        _picture(page, folder / f"{name}{suffix}.webp")


@contextmanager
def _signed_in(
    browser: Browser,
    address: str,
    password: str,
    theme: str,
    size: tuple[int, int],
    login: Path | None = None,
    locale: str = "en-GB",
) -> Iterator[Page]:
    """Yield a page of somebody who has just signed in; `login`: where the page before that goes as a picture."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
        base_url=address,
        locale=locale,
    )
    page = context.new_page()
    page.goto("/")
    if login:
        _picture(page, login)
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{address}/")
    yield page
    context.close()


def _picture(page: Page, path: Path) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)  # charts draw once their numbers are there
    write(page.screenshot(), path)


@contextmanager
def _up(hook: str) -> Iterator[tuple[str, str]]:
    """Run `make up`, with the manual's handler and an address for alerts; yield its address and password."""
    with tempfile.TemporaryDirectory(prefix="mqadmin-") as scratch:
        tree = _copy(Path(scratch) / "mqadmin")
        names = ("PORT", "BROKER_AMQP_PORT", "BROKER_HTTP_PORT")
        environ = {**os.environ, **{name: str(ports.pick()) for name in names}}
        environ |= {"MQADMIN_VAR": f"{scratch}/var", "DEMO": "1"}
        environ |= {"PYTHONPATH": scratch, "MQADMIN_HANDLERS": "shop.handlers"}
        environ |= {"MQADMIN_ALERT_HOOK": hook, "MQADMIN_ALERT_HOOK_SECRET": "of-nobody-0123456789"}
        environ.pop("RABBITMQ_URL", None)
        _write_handler(Path(scratch) / "shop" / "handlers.py")
        terminal = Path(scratch) / "terminal"
        with terminal.open("wb") as output:
            process = subprocess.Popen(
                ["make", "up"], cwd=tree, env=environ, stdout=output, stderr=output, start_new_session=True
            )
        try:
            yield _ready(process, terminal)
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=60)


def _copy(tree: Path) -> Path:
    """Copy the checkout, so that no traceback in a picture tells where somebody has it; return the copy."""
    for file in tracked(ROOT):
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tree / file)
    (tree / ".venv").symlink_to((ROOT / ".venv").resolve())
    return tree


def _write_handler(path: Path) -> None:
    """Write the handler as the manual has it: what it shows has run."""
    found = _EXAMPLE.search((ROOT / "docs" / "begin" / "first-handler.md").read_text())
    assert found is not None
    path.parent.mkdir()
    path.write_text(found[1])


def _ready(process: subprocess.Popen[bytes], terminal: Path) -> tuple[str, str]:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"^mqadmin is ready: (\S+)  .*password (\S+) ", terminal.read_text(), re.M)
        if found:
            return found[1].rstrip("/"), found[2]
        time.sleep(0.5)
    raise SystemExit(f"make up did not get ready:\n{terminal.read_text()[-3000:]}")


class _Hook(BaseHTTPRequestHandler):
    """Takes whatever it is told."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def _hook() -> Iterator[str]:
    """Yield the address of a receiver of alerts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hook) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


if __name__ == "__main__":
    sys.exit(main())
