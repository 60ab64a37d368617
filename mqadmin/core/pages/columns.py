"""Which columns a list has: those that a visitor chose, kept in a cookie of the list's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from mqadmin.core.pages import rendering

YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True)
class Columns:
    """The columns that may be chosen.

    `labels`: what each is called, in the order in which they stand, in the language in use. `usual`: those that are
    shown until somebody chooses.
    """

    cookie: str
    labels: Callable[[], Mapping[str, str]]
    usual: tuple[str, ...]

    def chosen(self, cookies: Mapping[str, str]) -> tuple[str, ...]:
        """Return the columns that a visitor chose, in their order; what is not known is left out."""
        given = cookies.get(self.cookie)
        return self.known(given.split(".")) if given else self.usual

    def known(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return those of `names` that are columns, in the order in which they stand."""
        wanted = set(names)
        return tuple(name for name in self.labels() if name in wanted)

    def offered(self, shown: Iterable[str], action: str) -> dict[str, Any]:
        """Return what `core/_columns.html` takes as `choice`, beside `here`: `action` is where it is posted."""
        return {"labels": self.labels().items(), "shown": set(shown), "action": action}


def remember(request: HttpRequest, columns: Columns, otherwise: str) -> HttpResponse:
    """Keep the ticked columns for a year, or forget them (`usual`); return to where it was asked from."""
    response = redirect(rendering.next_address(request, otherwise))
    path = settings.SESSION_COOKIE_PATH
    if "usual" in request.POST:
        response.delete_cookie(columns.cookie, path=path)
        return response
    response.set_cookie(
        columns.cookie,
        ".".join(columns.known(request.POST.getlist("column"))) or "none",
        max_age=YEAR_S,
        path=path,
        samesite="Lax",
        secure=request.is_secure(),
        httponly=True,
    )
    return response
