"""What a request says of how it came is believed of trusted proxies only."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from mqadmin.core.access import addresses


class TrustedProxiesMiddleware:
    """Forgets `X-Forwarded-Proto` of whoever is not a trusted proxy, where any are named. The first of all."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.MQADMIN_TRUSTED_PROXIES and not addresses.is_from_proxy(request):
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        return self.get_response(request)
