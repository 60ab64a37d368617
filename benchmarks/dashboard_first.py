"""What a first visit takes over the wire: the page of queues, and all that it names."""

from __future__ import annotations

import gzip
import os
import re

import requests


def first_load(cookie: str, address: str) -> float:
    """Return the bytes over the wire; `cookie`: of somebody who is signed in, `address`: of the web processes."""
    session = requests.Session()
    headers = {"Accept-Encoding": "gzip", "Cookie": cookie}

    def size(path: str) -> tuple[int, str]:
        answer = session.get(address + path, headers=headers, stream=True, timeout=30)
        answer.raise_for_status()
        raw = answer.raw.read()
        text = gzip.decompress(raw) if answer.headers.get("Content-Encoding") == "gzip" else raw
        return len(raw), text.decode("utf-8", "replace")

    total, html = size("/queues/")
    found = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', html))
    for path in sorted(found):
        length, text = size(path)
        total += length
        if path.endswith(".css"):
            total += sum(
                size(os.path.normpath(os.path.join(os.path.dirname(path), inner)))[0]
                for inner in set(re.findall(r"url\(\"?([^)\"#?]+\.woff2)", text))
                if "latin-ext" not in inner  # taken where a page has such letters
            )
    return float(total)
