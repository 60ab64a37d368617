"""Pages (and their JSON and htmx forms) for what went wrong, in plain words. None of them needs a database."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.translation import gettext as _

from mqadmin.core import database
from mqadmin.core.errors import Awaits, Denied, Refusal, Unseen
from mqadmin.core.pages import context, filled_in, prose
from mqadmin.core.pages.formats import size
from mqadmin.core.pages.rendering import TOAST_EVENT, add_event, moved, toasts
from mqadmin.core.wording import worded
from mqadmin.rabbit.errors import ConfigurationError, RabbitError, Refused

log = logging.getLogger(__name__)

RETRY_AFTER_S = 5
# A value that no field refused, but that the database cannot take: half a surrogate pair, a NUL (PostgreSQL),
# a number or a date out of its range, JSON nested without end.
UNUSABLE = (DataError, OverflowError, UnicodeEncodeError, RecursionError)


def answer(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """Return the page for an exception that left a view, or None when it is none of ours."""
    if isinstance(error, Denied | Unseen):
        return None  # as any other that may not be, or is not there: `forbidden`, `not_found`
    if isinstance(error, Awaits):
        return moved(request, error.href, error.text)
    if isinstance(error, Refusal):
        return respond(request, error.status, error.code, _("That cannot be done now"), error.text)
    if isinstance(error, OperationalError | InterfaceError):
        return database_gone(request, error)
    if isinstance(error, RabbitError):
        return rabbit_fault(request, error)
    if isinstance(error, UNUSABLE):
        log.warning("a value could not be used by %s: %s", request.path, told(error))
        return respond(request, 400, "invalid", _("That request was not understood"), unusable())
    if isinstance(error, UnreadablePostError):  # nobody reads the answer: who asked has gone, or is too slow
        return bad_request(request, error)
    return None


def told(error: Exception) -> str:
    """Return a fault of the caller as the log has it: in a line, and not all of a value that has no end."""
    return f"{type(error).__name__}: {error}"[:500]


def unusable() -> str:
    """Return the words for a value of `UNUSABLE`."""
    return _("A value in it cannot be used: it is too large, nested too deeply, or not text.")


def database_gone(request: HttpRequest, error: Exception) -> HttpResponse:
    """503: locked for longer than we wait, or not there at all."""
    log.error("the database did not answer %s: %s", request.path, error)
    if "locked" in str(error):
        text = _("It was busy with other writes for too long. Nothing of what you asked for was changed.")
        return respond(request, 503, "database_locked", _("The database is busy"), text)
    if database.is_full(error):
        text = _("There is no room for what it should keep. Nothing of what you asked for was changed.")
        return respond(request, 503, "database_unavailable", _("The disk of the database is full"), text)
    text = _("mqadmin keeps its own records there. Your queues are not touched by this; the broker goes on.")
    return respond(request, 503, "database_unavailable", _("The database does not answer"), text)


def rabbit_fault(request: HttpRequest, error: RabbitError) -> HttpResponse:
    """503, 409 or 404 by the kind of fault; the text is RabbitMQ's or the configuration's own."""
    if isinstance(error, ConfigurationError) and error.code == "configuration":
        return respond(request, 503, error.code, _("The broker's configuration cannot be used"), str(error))
    if error.code in {"not_found", "unknown_broker"}:
        return respond(request, 404, error.code, _("RabbitMQ does not know it"), str(error))
    if isinstance(error, Refused) and error.code != "login_refused":
        return respond(request, 409, error.code, _("The broker's user may not do this"), str(error))
    if error.kind in {"message", "channel"}:
        return respond(request, 409, error.code, _("RabbitMQ said no"), str(error))
    return respond(request, 503, error.code, _("RabbitMQ does not answer as it should"), str(error))


def respond(
    request: HttpRequest,
    status: int,
    code: str,
    title: str,
    text: str,
    kept: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Return the fault as JSON under /api/, as a message beside the old page over htmx, else as a page, which has
    what is `kept` of a form."""
    response: HttpResponse
    text = worded(text)
    if request.path_info.startswith("/api/"):
        response = JsonResponse({"detail": text, "code": code}, status=status)
    elif request.headers.get("HX-Request") == "true":
        response = HttpResponse(status=status)
        response["HX-Reswap"] = "none"  # htmx 4 would put an error's body where the table was
        add_event(
            response,
            TOAST_EVENT,
            toasts([("error", prose.paragraph((prose.ended(title), text)) if text else title)]),
        )
    else:
        response = HttpResponse(_page(request, status, title, text, kept), status=status)
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _page(request: HttpRequest, status: int, title: str, text: str, kept: Mapping[str, Any] | None) -> str:
    # Rendered without the request: the shell's context would ask the database that may be what is broken.
    values = {
        "status": status,
        "title": title,
        "text": text,
        "theme": context.theme(request),
        "path": request.get_full_path(),
        "home": get_script_prefix(),
        **(kept or {}),
    }
    return render_to_string("core/fault.html", values)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001  # Django logs the reason
    """403: the form's token is missing or old, most often because one signed in again in another tab."""
    text = _("The form was made for another sign-in. Reload the page and send it again.")
    return respond(request, 403, "csrf", _("This form is out of date"), text)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400; 413 for too much; 503 where Django took a session that could not be saved for one that was deleted."""
    if isinstance(exception, RequestDataTooBig):
        return too_large(request)
    cause: BaseException | None = exception
    while cause is not None:
        if isinstance(cause, OperationalError | InterfaceError):
            return database_gone(request, cause)
        cause = cause.__context__
    text = _("The server could not make sense of it.")
    return respond(request, 400, "bad_request", _("That request was not understood"), text)


def too_large(request: HttpRequest) -> HttpResponse:
    """413: bodies are read into memory, so there is a limit."""
    limit = size(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    text = _("mqadmin takes at most %(limit)s in one request. Nothing was changed.") % {"limit": limit}
    return respond(request, 413, "too_large", _("That is too much at once"), text)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: the words come from `permissions.denial`."""
    words = str(exception) if isinstance(exception, PermissionDenied) else ""
    title, text = _("You may not do that"), words or _("Ask an admin for it.")
    return respond(request, 403, "forbidden", title, text, filled_in.of(request))


def length_required(request: HttpRequest) -> HttpResponse:
    """411: a body in chunks. Django would take it for an empty one, and do what was asked without it."""
    text = _("Send the length of the body too (Content-Length). Nothing was changed.")
    return respond(request, 411, "length_required", _("That request was not understood"), text)


def not_allowed(request: HttpRequest, allowed: str) -> HttpResponse:
    """405: the address is right, the way of asking is not. `allowed`: the methods it takes."""
    text = _("This address takes %(allowed)s, not %(method)s.") % {
        "allowed": allowed,
        "method": request.method,
    }
    response = respond(request, 405, "method_not_allowed", _("That cannot be asked here"), text)
    response["Allow"] = allowed
    return response


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """404: gone while a form was filled in, it leaves that form's texts to be copied."""
    title, text = _("There is nothing here"), _("It may have been deleted, or the address is mistyped.")
    kept = filled_in.of(request, sends_again=False) if request.resolver_match else None
    return respond(request, 404, "not_found", title, text, kept)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our own mistake; the log has the traceback.

    A database that is gone may show before any view is reached, when the session is read: told like elsewhere.
    """
    error = sys.exc_info()[1]
    known = answer(request, error) if isinstance(error, Exception) else None
    if known is not None:
        return known
    text = _("That is a mistake in mqadmin, not yours. The server's log says more.")
    return respond(request, 500, "server_error", _("Something broke"), text)
