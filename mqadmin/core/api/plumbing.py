"""What every call of the API is made with: tokens, errors, pages, the parser; and the NinjaAPI they hang on."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, get_args

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as FormError
from django.db import InterfaceError, OperationalError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.docs import Swagger
from ninja.parser import Parser
from ninja.security import HttpBearer
from pydantic import ConfigDict, ValidationInfo, model_validator
from pydantic.functional_validators import ModelWrapValidatorHandler

from mqadmin import place
from mqadmin.core import brokers, database, permissions
from mqadmin.core.access import addresses, refused_tokens
from mqadmin.core.api import tokens
from mqadmin.core.api.description import Api, knowing
from mqadmin.core.api.worded import Renderer
from mqadmin.core.errors import Awaits, Refusal
from mqadmin.core.models import ApiToken
from mqadmin.core.pages import faults
from mqadmin.core.rights import asking
from mqadmin.core.rights.asking import Of
from mqadmin.core.rights.rules import Needed
from mqadmin.core.wording import worded
from mqadmin.rabbit.errors import BadRequest, RabbitError, Refused
from mqadmin.rabbit.reading import jsontext

log = logging.getLogger(__name__)
ASKED_WITH = "asked_with"  # of a request: the `ApiToken` that it came with
Row = TypeVar("Row", bound=Model)


class ApiError(Exception):
    """An answer other than the asked one: its HTTP status, a code for programs, a sentence for people."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


def one(rows: QuerySet[Row], words: str) -> Row:
    """Return the only row there is, else answer 404 with `words`.

    Raises PermissionDenied where who asks may see it, but not do with it what is needed.
    """
    found = rows.first()
    who = asking.limited() if found is None else None
    if who is not None and who.needed != "view":
        with asking.needing("view"):
            is_seen = rows.all().exists()
        if is_seen:
            raise PermissionDenied(permissions.denied(who.needed))
    if found is None:
        raise ApiError(404, "not_found", words)
    return found


def the_broker(slug: str) -> str:
    """Return the slug that was given, else the only broker there is.

    Who asks may do so with all of it where the call is about a whole broker, with something in it where it is
    about a virtual host: else Http404, PermissionDenied.
    """
    found = _the_broker(slug)
    who = asking.limited()
    if who is not None:
        if found not in brokers.configs():
            raise Http404
        if who.of == "broker":
            permissions.require(found)
        elif who.of == "vhost":
            permissions.require_within(found)
    return found


def _the_broker(slug: str) -> str:
    if slug:
        return slug
    known = list(brokers.configs())
    if len(known) != 1:
        why = _("Name the broker: there are several.") if known else _("No broker is configured.")
        raise ApiError(422, "broker_needed", why)
    return known[0]


def a_broker(slug: str) -> str:
    """Return the same, for what is to be of a broker from now on: ApiError 404 for one that is not configured.

    Letters of a broker that was configured once are still found, and decided.
    """
    return brokers.config(the_broker(slug)).slug


def a_place(slug: str, vhost: str | None, queue: str | None = None) -> str:
    """Return `a_broker`, where who asks may do what is needed with a virtual host of it, or with a queue in that.

    Raises Http404, PermissionDenied.
    """
    found = a_broker(slug)
    permissions.require(found, vhost, queue)
    return found


class Token(HttpBearer):
    """`Authorization: Bearer <token>`; the token's user becomes request.user and request.auth.

    With `needed` they must hold that permission, else ApiError 403: asked before anything else of the request is
    read, so that who may not make a call is told so, and not first what is wrong with its body.
    """

    def __init__(self, needed: Needed | None = None, kind: Of = "everything") -> None:
        super().__init__()
        self.needed = needed
        self.kind: Of = kind

    def of(self, kind: Of) -> Token:
        """Return the same for calls that need it of something else: see `permissions`."""
        return Token(self.needed, kind)

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        found = tokens.of(token, addresses.client(request))
        if found is None:
            name, why = tokens.closed(token)
            refused_tokens.note(request, name=name, why=why)
            return None
        user = found.user
        request.user = user
        setattr(request, ASKED_WITH, found)
        who = asking.now()
        if who is not None:
            who.becomes(user.get_username(), permissions.rights(user))
            who.needed, who.of = self.needed or "view", self.kind
        reason = permissions.denial(user, self.needed, self.kind) if self.needed else ""
        if reason:
            raise ApiError(403, "forbidden", reason + _narrowed(found))
        return user


def _narrowed(token: ApiToken) -> str:
    """Return the sentence that says what the token is limited to, "" where it is not."""
    if token.level == ApiToken.Level.CONFIGURE:
        return ""
    return " " + _("This token may no more than %(level)s.") % {"level": token.get_level_display()}


VIEW, OPERATE, CONFIGURE = Token("view"), Token("operate"), Token("configure")  # `auth=` of routers and calls


class Body(Schema):
    """What a call takes, as its description says: no "5" for 5, no 1 for true, no null but where it may be.

    A field that it does not have is refused: misspelt, it would widen what the call does.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="wrap")
    @classmethod
    def _run_root_validator(
        cls, values: Any, handler: ModelWrapValidatorHandler[Any], _: ValidationInfo
    ) -> Any:
        """Read the JSON itself. Ninja's, which stands here else, reads rows, and each body twice."""
        return handler(_read(cls, values, _whole))


class Asked(Schema):
    """What a call is asked in its address, where all is text: true, false, 1, 0; whole numbers in digits."""

    model_config = ConfigDict(strict=True)

    @model_validator(mode="wrap")
    @classmethod
    def _run_root_validator(
        cls, values: Any, handler: ModelWrapValidatorHandler[Any], _: ValidationInfo
    ) -> Any:
        return handler(_read(cls, values, _meant))


def _read(cls: type[Schema], values: Any, reading: Callable[[Any, Any], Any]) -> Any:
    """Return the values with each that a field is there for read as `reading` does for the field's type."""
    if not isinstance(values, dict):
        return values
    kinds = {name: field.annotation for name, field in cls.model_fields.items()}
    return {name: reading(kinds.get(name), value) for name, value in values.items()}


def _whole(kind: Any, value: Any) -> Any:
    """Return 3.0 as 3 where a whole number is asked for: to JSON's schema, and to some who write it, it is one."""
    if isinstance(value, list):
        return [_whole(kind, item) for item in value]
    is_whole = isinstance(value, float) and value.is_integer()
    return int(value) if is_whole and _has(kind, int) else value


def _meant(kind: Any, text: Any) -> Any:
    """Return the truth or the number that a text of an address stands for; any other text as it is."""
    if not isinstance(text, str):
        return text
    if _has(kind, bool):
        return _TRUTHS.get(text.lower(), text)
    return int(text) if _has(kind, int) and _DIGITS.fullmatch(text) else text


def _has(kind: Any, wanted: type) -> bool:
    """Whether a field of this type takes the wanted one."""
    return kind is wanted or any(_has(part, wanted) for part in get_args(kind))


_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
_DIGITS = re.compile(r"-?[0-9]{1,40}")


class PageQuery(Asked):
    """How much of a list: `cursor` is the `next` of the page before."""

    limit: int = 50
    cursor: str | None = None


class StrictParser(Parser):
    """JSON by its standard: NaN, Infinity, numbers beyond a float and doubled keys are refused, not passed on."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            request.body, parse_float=_finite, parse_constant=_finite, object_pairs_hook=jsontext.unique
        )
        return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number")
    return number


class Docs(Swagger):
    """The documentation page: django-ninja's own Swagger files, started by a script file (strict CSP)."""

    template = "core/api_docs.html"

    def render_page(self, request: HttpRequest, api: NinjaAPI, **_kwargs: Any) -> HttpResponse:
        """Return the page."""
        return render(request, self.template, {"api": api})


def create_api() -> NinjaAPI:
    """Return the API that the apps hang their routers on."""
    api = Api(
        title="mqadmin",
        version="1",
        urls_namespace="api",
        description=str(
            _(
                "Everything the pages do. Make a token under your name or by `%(command)s create_token USER`. "
                "Where large acts need a second person, a call for one answers 202 with `code` `awaits_approval` "
                "and the `approval` that waits, instead of what it answers otherwise: nothing was done yet."
            )
            % {"command": place.COMMAND}
        ),
        auth=Token(),
        docs=Docs(),
        docs_decorator=_signed_in_or_token,
        parser=StrictParser(),
        renderer=Renderer(),
    )
    api.add_decorator(knowing, mode="view")
    _answer_errors(api)
    return api


def error_response(status: int, code: str, detail: str, **more: Any) -> JsonResponse:
    """Return the one form that every error of the API has."""
    response = JsonResponse({"detail": worded(detail), "code": code, **more}, status=status)
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if status == 503:
        response["Retry-After"] = "5"
    return response


def rabbit_status(error: RabbitError) -> int:
    """Return the HTTP status for a broker's no: 404, 409, or 503 where the broker is the trouble.

    A right that the broker's user lacks is a 409, and so is what the broker understood and will not do, or has not
    at all: to ask again in five seconds is no use.
    """
    if error.code in {"not_found", "unknown_broker"}:
        return 404
    if isinstance(error, Refused | BadRequest) and error.code != "login_refused":
        return 409
    return 409 if error.kind in {"message", "channel"} else 503


def _signed_in_or_token(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated and Token()(request) is None:
            if request.accepts("text/html") and "Authorization" not in request.headers:
                return redirect_to_login(request.get_full_path())
            return error_response(401, "unauthorized", _("Sign in, or send a token."))
        return view(request, *args, **kwargs)

    return inner


def _answer_errors(api: NinjaAPI) -> None:
    handlers: dict[type[Exception], Callable[[Any], JsonResponse]] = {
        ApiError: lambda error: error_response(error.status, error.code, error.detail),
        Awaits: _awaits,
        Refusal: _refusal,
        RabbitError: lambda error: error_response(rabbit_status(error), error.code, str(error)),
        AuthenticationError: lambda _error: error_response(401, "unauthorized", _("Send a valid token.")),
        PermissionDenied: lambda error: error_response(403, "forbidden", str(error) or _("Not allowed.")),
        Http404: lambda _error: error_response(404, "not_found", _("There is no such thing.")),
        HttpError: lambda error: error_response(error.status_code, "bad_request", str(error)),
        ValidationError: _invalid,
        FormError: lambda error: error_response(422, "invalid", " ".join(error.messages)),
        OperationalError: _database_gone,
        InterfaceError: _database_gone,
        **dict.fromkeys(faults.UNUSABLE, _unusable),
    }
    for error_class, answer in handlers.items():
        api.add_exception_handler(error_class, _handler(answer))


def _handler(
    answer: Callable[[Any], JsonResponse],
) -> Callable[[HttpRequest, Exception | type[Exception]], HttpResponse]:
    def handle(_request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
        return answer(error)

    return handle


def _awaits(error: Awaits) -> JsonResponse:
    """202: it is not done, and will be once a second person agrees. `approval` says where it stands."""
    return error_response(202, error.code, error.text, approval=error.told)


def _refusal(error: Refusal) -> JsonResponse:
    more = {"fields": error.fields} if error.fields else {}
    return error_response(error.status, error.code, error.text, **more)


def _invalid(error: ValidationError) -> JsonResponse:
    """Word pydantic's list of errors; the list itself goes along as `errors`."""
    errors = [{"loc": _place(item["loc"]), "msg": str(item["msg"])} for item in error.errors]
    parts = [f"{'.'.join(item['loc'][1:]) or _('The body')}: {item['msg']}" for item in errors]
    return error_response(422, "invalid", "; ".join(dict.fromkeys(parts)), errors=errors)


def _place(loc: Sequence[Any]) -> list[str]:
    """Return where a value stands as the caller wrote it: without our argument's name and pydantic's own parts."""
    source, *rest = (str(part) for part in loc)
    return [source, *(part for part in rest[1 if source == "body" else 0 :] if "[" not in part)]


def _unusable(error: Exception) -> JsonResponse:
    log.warning("a value in an API call could not be used: %s", faults.told(error))
    return error_response(422, "invalid", faults.unusable())


def _database_gone(error: Exception) -> JsonResponse:
    log.error("the database did not answer an API call: %s", error)
    text = _("The database does not answer. Try again shortly.")
    if database.is_full(error):
        text = _("The disk of the database is full. Nothing was changed.")
    return error_response(503, "database_unavailable", text)
