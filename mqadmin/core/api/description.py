"""What the API says of itself (OpenAPI), errors included; and that no call is asked anything else."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema
from ninja.errors import ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from ninja.params.models import QueryModel


class ErrorOut(Schema):
    """The one form of every error. `fields`, `errors`: what is wrong with which part of the body."""

    detail: str
    code: str
    fields: dict[str, str] | None = None
    errors: list[dict[str, Any]] | None = None


NEEDS = "x-mqadmin-needs"  # of a call: what its token must hold, view, operate or configure
SECRET = {"x-mqadmin-secret": True}  # `openapi_extra=` of a call that is for nobody but a person

# What a call may answer instead, beside what it describes itself.
_ERRORS = {
    400: "The request cannot be read, or its cursor, sort or pattern makes no sense.",
    401: "There is no token, or it is not valid.",
    403: "The token's user may not do this.",
    404: "There is no such thing, or the broker has it no more.",
    409: "It cannot be done as things are now: the detail says why.",
    411: "The length of the body is not given.",
    413: "It is too much for one request.",
    422: "A value is missing or wrong: the detail names it.",
    503: "The broker or the database does not answer.",
}


class _Described(OpenAPISchema):
    """The description, with the permission that each call asks for."""

    def operation_details(self, operation: Operation) -> dict[str, Any]:
        needed = (getattr(auth, "needed", None) for auth in operation.auth_callbacks)
        return {**super().operation_details(operation), NEEDS: next(filter(None, needed), "view")}


class Api(NinjaAPI):
    """The API with its errors in the description of each call, and an id of it that no move of a module changes."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the app and the call: "consumers_api_record_list", whichever module of the app has it."""
        module = operation.view_func.__module__
        app = apps.get_containing_app_config(module)
        name = app.name if app else module.partition(".api")[0]
        return f"{name.replace('.', '_')}_api_{operation.view_func.__name__}"

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        """Refuse (422) what an address asks that its call does not know: misspelt, a filter would widen it.

        Ninja asks for this response before it reads what a call takes, and after it knows who calls.
        """
        known: frozenset[str] = getattr(request, _KNOWN)
        surplus = [name for name in request.GET if name not in known]
        if surplus:
            names = ", ".join(sorted(known))
            why = _("There is no such parameter. Known: %(names)s.") % {"names": names}
            if not known:
                why = _("There is no such parameter: this call has none in its address.")
            raise ValidationError(
                [{"type": "unknown", "loc": ("query", name), "msg": why} for name in surplus]
            )
        return super().create_temporal_response(request)

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        prefix = options.get("path_prefix")
        if prefix is None:
            prefix = self.get_root_path(options.get("path_params") or {})
        schema = _Described(self, prefix)
        schema["components"]["schemas"]["ErrorOut"] = ErrorOut.model_json_schema()
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorOut"}}}
        for call in (call for path in schema["paths"].values() for call in path.values()):
            for status, text in _ERRORS.items():
                call["responses"].setdefault(status, {"description": text, "content": content})
        return schema


_KNOWN = "asked_by_call"


def knowing(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate what runs a call: note which names its address may have, for `Api.create_temporal_response`."""
    models = [model for model in run.__self__.models if issubclass(model, QueryModel)]  # type: ignore[attr-defined]
    names = frozenset(name for model in models for name in getattr(model, "__ninja_flatten_map__", ()))

    @functools.wraps(run)
    def inner(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        setattr(request, _KNOWN, names)
        return run(request, **kwargs)

    return inner
