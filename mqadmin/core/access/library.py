"""The apps of django-allauth as mqadmin has them: for their tables.

What their own `ready` asks for, its middleware around each request and its checks, is for its pages, which are not
used. Each process imports the tables; what speaks to providers and knows second factors is imported by views alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec

from allauth.account.apps import AccountConfig as _AccountConfig
from allauth.core import context
from allauth.mfa.apps import MFAConfig as _MFAConfig
from allauth.socialaccount.apps import SocialAccountConfig as _SocialAccountConfig
from django.http import HttpRequest, HttpResponse

P = ParamSpec("P")


class AccountConfig(_AccountConfig):  # type: ignore[misc]  # allauth has no types
    """Addresses of e-mail, which nobody has here: the other two refer to it."""

    def ready(self) -> None:
        """Nothing."""


class SocialAccountConfig(_SocialAccountConfig):  # type: ignore[misc]
    """Which account belongs to whom at an OpenID provider."""

    def ready(self) -> None:
        """Nothing."""


class MFAConfig(_MFAConfig):  # type: ignore[misc]
    """Second factors."""

    def ready(self) -> None:
        """Nothing."""


def known_to_library(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Decorate a view that calls what asks for the request of the moment."""

    @wraps(view)
    def inside(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        with asking(request):
            return view(request, *args, **kwargs)

    return inside


@contextmanager
def asking(request: HttpRequest) -> Iterator[None]:
    """Within, the library knows the request."""
    with context.request_context(request):
        yield
