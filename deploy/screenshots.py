"""`make screenshots`: pictures of every page, light and dark, wide and narrow, into docs/images/.

    .venv/bin/python -m deploy.screenshots [FOLDER]

Runs a `make up` of its own, with the demo, in a folder and on ports of its own, and lets it work until there is
something to see.
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
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import ROOT
from mqadmin.local import ports

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

READY_SECONDS, DATA_SECONDS = 240, 100
SIZES = {"": (1440, 900), "-phone": (390, 844)}
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Name of the picture, address, and what to click there first.
PAGES = [
    ("overview", "/", ""),
    ("wall", "/wall/", ""),
    ("queues", "/queues/", ""),
    ("queue", "/queues/?q=order.processing", "main table a:has-text('order.processing')"),
    ("consumers", "/consumers/", ""),
    ("consumer", "/consumers/orders/", ""),
    ("consumer-form", "/consumers/orders/edit/", ""),
    ("record", "/consumers/orders/?outcome=dead_lettered", "a[href*='/consumers/records/']"),
    ("dead-letters", "/dead-letters/", ""),
    ("operations", "/operations/", ""),
    ("audit", "/audit/", ""),
]


def main() -> int:
    """Take all pictures. Returns 0."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "docs" / "images")
    folder.mkdir(parents=True, exist_ok=True)
    from playwright.sync_api import sync_playwright

    with _up() as (address, password), sync_playwright() as playwright:
        print(f"The demo works for {DATA_SECONDS} s, so that there is something to see ...", flush=True)
        time.sleep(DATA_SECONDS)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_ARGUMENTS
        )
        for theme in ("light", "dark"):
            for suffix, size in SIZES.items():
                _take(browser, folder, address, password, theme=theme, suffix=suffix, size=size)
        browser.close()
    return 0


@contextmanager
def _up() -> Iterator[tuple[str, str]]:
    """Run `make up` and yield its address and password."""
    with tempfile.TemporaryDirectory(prefix="mqadmin-screenshots-") as scratch:
        names = ("PORT", "BROKER_AMQP_PORT", "BROKER_HTTP_PORT")
        environ = {**os.environ, **{name: str(ports.pick()) for name in names}}
        environ |= {"MQADMIN_VAR": f"{scratch}/var", "DEMO": "1"}
        environ.pop("RABBITMQ_URL", None)
        terminal = Path(scratch) / "terminal"
        with terminal.open("wb") as output:
            process = subprocess.Popen(
                ["make", "up"], cwd=ROOT, env=environ, stdout=output, stderr=output, start_new_session=True
            )
        try:
            yield _ready(process, terminal)
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=60)


def _ready(process: subprocess.Popen[bytes], terminal: Path) -> tuple[str, str]:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"^mqadmin is ready: (\S+)  .*password (\S+) ", terminal.read_text(), re.M)
        if found:
            return found[1].rstrip("/"), found[2]
        time.sleep(0.5)
    raise SystemExit(f"make up did not get ready:\n{terminal.read_text()[-3000:]}")


def _take(
    browser: Browser,
    folder: Path,
    address: str,
    password: str,
    *,
    theme: str,
    suffix: str,
    size: tuple[int, int],
) -> None:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
        base_url=address,
    )
    page = context.new_page()
    page.goto("/")
    _picture(page, folder / f"login-{theme}{suffix}.png")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{address}/")
    for name, path, click in PAGES:
        page.goto(path)
        if click:
            page.locator(click).first.click()
        _picture(page, folder / f"{name}-{theme}{suffix}.png")
    context.close()


def _picture(page: Page, path: Path) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)  # charts draw once their numbers are there
    page.screenshot(path=path)


if __name__ == "__main__":
    sys.exit(main())
