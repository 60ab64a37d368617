"""What dialogs of shovels, upstreams, sets and parameters share: they are made, changed and deleted alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from mqadmin.administration.acting import deciding
from mqadmin.administration.acting.deciding import Dialog
from mqadmin.administration.acting.forms import ActForm
from mqadmin.administration.listed.naming import address
from mqadmin.administration.parameters import masks
from mqadmin.core import brokers
from mqadmin.rabbit.administration import parameters
from mqadmin.rabbit.errors import RabbitError


@dataclass(frozen=True)
class Noun:
    """A kind of parameter as its dialogs know it. `view`: the list that one goes back to, `label`: its name."""

    component: str
    view: str
    label: str

    def back(self, slug: str) -> str:
        """Return the address of the list."""
        return address(self.view, slug)


def make(
    request: HttpRequest,
    noun: Noun,
    action: str,
    title: str,
    says: list[str],
    put: Callable[..., object],
    form: Callable[..., ActForm],
    *,
    form_template: str = "administration/_fields.html",
) -> HttpResponse:
    """Show the dialog of a new one, and on POST call `put` with what was filled in, by name."""
    slug = brokers.current(request)
    dialog = Dialog(
        action=action,
        broker=slug,
        title=title,
        says=says,
        label=_("Set it"),
        back=noun.back(slug),
        back_label=noun.label,
        danger=False,
        icon="plus",
        form_template=form_template,
    )

    def act(filled: ActForm) -> tuple[str, str]:
        put(**filled.values)
        return dialog.back, _("%(name)s was set.") % {"name": filled.values.get("name", "")}

    return deciding.decide(request, dialog, act, form)


def edit(
    request: HttpRequest,
    noun: Noun,
    action: str,
    names: tuple[str, str, str],
    says: list[str],
    put: Callable[..., object],
    form: Callable[[Any], Callable[..., ActForm]],
    *,
    form_template: str = "administration/_fields.html",
) -> HttpResponse:
    """Show the dialog that changes one, `names`: virtual host, component, name. `form(value)` makes the form of
    what is there now, without secrets."""
    vhost, component, name = names
    slug = brokers.current(request)
    value, refused = None, ""
    try:
        live = parameters.one(brokers.for_page(slug), vhost, component, name)
        refused = "" if live else _("There is none of that name any more.")
        value = masks.shown(name, live.value) if live else None
    except RabbitError as error:
        refused = str(error)
    dialog = Dialog(
        action=action,
        broker=slug,
        title=_("Change %(name)s") % {"name": name},
        says=says,
        label=_("Set it"),
        back=noun.back(slug),
        back_label=noun.label,
        subject=name,
        danger=False,
        icon="check",
        refused=refused,
        form_template=form_template,
    )

    def act(filled: ActForm) -> tuple[str, str]:
        put(**filled.values)
        return dialog.back, _("%(name)s was set.") % {"name": name}

    return deciding.decide(request, dialog, act, form(value))


def as_table(form: Callable[..., ActForm]) -> Callable[[Any], Callable[..., ActForm]]:
    """Return what makes the form of one whose value is a table: a field for a key."""
    return lambda value: partial(form, is_new=False, definition=value if isinstance(value, dict) else {})


def as_text(form: Callable[..., ActForm], field: str) -> Callable[[Any], Callable[..., ActForm]]:
    """Return what makes the form of one whose value is filled in as JSON, in `field`."""

    def made(value: Any) -> Callable[..., ActForm]:
        text = json.dumps(value, ensure_ascii=False, indent=2)
        return partial(form, is_new=False, initial={field: text})

    return made


def sure(
    request: HttpRequest,
    noun: Noun,
    action: str,
    name: str,
    title: str,
    says: list[str],
    label: str,
    done: str,
    act: Callable[[], object],
    *,
    icon: str = "trash",
    danger: bool = True,
) -> HttpResponse:
    """Show the dialog of an act that takes nothing but a yes: it deletes one, or has one begin anew."""
    slug = brokers.current(request)
    dialog = Dialog(
        action=action,
        broker=slug,
        title=title,
        says=says,
        label=label,
        back=noun.back(slug),
        back_label=noun.label,
        subject=name,
        danger=danger,
        icon=icon,
    )
    return deciding.sure(request, dialog, act, done)
