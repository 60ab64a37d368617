"""Names in addresses: rows of these lists have no number, and may be called anything."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlencode

from django.http import Http404, HttpRequest
from django.urls import get_script_prefix, reverse
from django.utils.translation import gettext as _


def address(view: str, broker: str, **names: str) -> str:
    """Return the address of a page about what these names mean: they stand behind the `?`, never in the path."""
    return _address(get_script_prefix(), view, broker, tuple(names.items()))


@lru_cache(maxsize=5_000)
def _address(_prefix: str, view: str, broker: str, names: tuple[tuple[str, str], ...]) -> str:
    """The same; remembered, since the rows of a list lead to the same places again and again."""
    return f"{_path(_prefix, view)}?{urlencode((('broker', broker), *names), errors='replace')}"


@lru_cache(maxsize=200)
def _path(_prefix: str, view: str) -> str:
    return reverse(view)


def found_in(view: str, broker: str, query: str) -> str:
    """Return the address of a list with a search."""
    return address(view, broker, q=query)


def quoted(text: str) -> str:
    """Return a text as a value of a search."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def asked(request: HttpRequest, *names: str) -> list[str]:
    """Return the values of these names in an address; "" is one. Raises Http404 where one is not given."""
    values = [request.GET.get(name) for name in names]
    if None in values:
        raise Http404(_("The address does not say which: %(names)s.") % {"names": ", ".join(names)})
    return [str(value) for value in values]
