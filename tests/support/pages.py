"""What a page says."""

from __future__ import annotations

import re
from typing import Any


def html(response: Any) -> str:
    """Return the page, without the elements that keep names apart from the words around them."""
    return re.sub("</?bdi>", "", response.content.decode())
