"""A message as a person wrote it down: what it stands for, or a Refusal (422) with the field to blame."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.core.errors import Refusal
from mqadmin.rabbit.message import from_json


def wrong(field: str, text: str) -> Refusal:
    """Return the refusal that puts `text` beside `field`."""
    return Refusal(text, "invalid", status=422, fields={field: text})


def body(text: str, encoding: str) -> bytes:
    """Return the body that `text` stands for: "utf-8" or "base64", with line breaks where somebody likes."""
    if encoding == "utf-8":
        try:
            return text.encode()
        except UnicodeEncodeError:
            raise wrong("body", _("The body holds half a surrogate pair, which is not text.")) from None
    if encoding != "base64":
        raise wrong("encoding", _("The encoding is utf-8 or base64."))
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise wrong("body", _("This is not valid base64.")) from None


def headers(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table that the lossless JSON of `rabbit.message` stands for; its names are not checked."""
    try:
        found = from_json(dict(given))
    except ValueError as error:
        raise wrong("headers", str(error)) from error
    if not isinstance(found, dict):
        raise wrong("headers", _('Headers are a JSON object: {"name": value}.'))
    return found
