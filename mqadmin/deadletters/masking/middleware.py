"""Who may reveal the masked fields of all that they see may search for them: in every view and call, so that none
can forget it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from mqadmin.core.rights import naming
from mqadmin.deadletters.masking import masking


class RevealingMiddleware:
    """Let a request's searches ask for masked fields if its user may reveal them wherever they may look.

    That is asked when a search first needs to know: the API learns its user from the token, inside. Values stay
    hidden where letters are shown, and are not offered while typing: that somebody saw one is written down.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with masking.revealing(naming.reveals_all):
            return self._get_response(request)
