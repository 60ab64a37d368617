"""What the tests of the consumers' pages share."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client
from django.urls import reverse

from tests.support.pages import html

HX = {"HX-Request": "true", "HX-Request-Type": "partial"}
EVIL = "<script>alert('x')</script>&amp;\"'"


def get(client: Client, name: str, *args: Any, fragment: bool = False, **query: Any) -> Any:
    return client.get(reverse(name, args=args), query, headers=HX if fragment else {})


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", html(response))
