"""Users: all of them, one, made, changed, deleted. A password that is made here is shown in one answer."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from mqadmin.administration.acting import deciding, known
from mqadmin.administration.acting.deciding import Dialog
from mqadmin.administration.listed import views as listed
from mqadmin.administration.listed.naming import address, asked
from mqadmin.administration.listed.places import user_href
from mqadmin.administration.listed.views import Words
from mqadmin.administration.listing import reading
from mqadmin.administration.permissions import own, rights
from mqadmin.administration.permissions import pages as rows
from mqadmin.administration.users import acts, pages
from mqadmin.administration.users.forms import LoginForm, NewUserForm, TagsForm
from mqadmin.administration.users.lists import USERS
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering

secret_form = sensitive_post_parameters("password", "again", "password_hash")


@permissions.view.of("broker")
@require_safe
def user_list(request: HttpRequest) -> HttpResponse:
    """All users of a broker: searched, sorted, a page of them."""
    words = Words(
        title=_("Users"),
        placeholder=_("Name, /pattern/, or tag:administrator is:without_vhost"),
        none=_("No users"),
        icon="users",
    )
    return listed.page(
        request,
        USERS,
        words,
        rows="administration/_users.html",
        template="administration/users.html",
        shape=pages.user_row,
        of_broker=True,
    )


@permissions.view.of("broker")
@require_safe
def user_detail(request: HttpRequest) -> HttpResponse:
    """One user: tags and rights in words, limits."""
    (name,) = asked(request, "name")
    slug = brokers.current(request)
    permissions.about(request, slug)
    seen, (inside, topics) = reading.look(slug, USERS), rights.seen_lists(slug)
    version = rendering.version(request, seen.known_by, inside.known_by, topics.known_by)
    if same := rendering.unchanged(request, version):
        return same
    found = seen.rows().before((name,))
    granted = rights.of_user(inside, topics, name)
    context = {
        "name": name,
        **listed.about(request, slug, seen),
        "found": found,
        "shown": pages.user_row(slug, found) if found else None,
        "tags": pages.tag_words(found.tags) if found else [],
        "granted": [(rows.permission_row(slug, item), item, said) for item, said in granted],
        "topics": [(item, rows.topic_row(slug, item)) for item in rights.rows_of(topics, user=name)],
        "own": own.why_not(slug, name),
    }
    status = listed.status(seen, is_there=found is not None)
    template, fragment = "administration/user.html", "administration/_user.html"
    return rendering.page(request, template, context, fragment=fragment, version=version, status=status)


@secret_form
@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
@never_cache
def user_new(request: HttpRequest) -> HttpResponse:
    """Make a user."""
    slug = brokers.current(request)
    dialog = Dialog(
        action=acts.CREATE,
        broker=slug,
        title=_("New user"),
        says=[_("A user without rights in a virtual host may connect to none. They are given next.")],
        label=_("Make the user"),
        back=address("user_list", slug),
        back_label=_("Users"),
        danger=False,
        icon="plus",
        form_template="administration/_user_fields.html",
    )

    def act(form: NewUserForm) -> tuple[str, str] | HttpResponse:
        values: dict[str, Any] = form.values
        made = acts.create(broker=slug, by=audit.actor(request), **values)
        if made:
            return _shown_once(request, slug, values["name"], made)
        return user_href(slug, values["name"]), _("The user %(name)s was made.") % {"name": values["name"]}

    return deciding.decide(request, dialog, act, NewUserForm)


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def user_tags(request: HttpRequest) -> HttpResponse:
    """Change the tags of a user."""
    (name,) = asked(request, "name")
    slug = brokers.current(request)
    dialog = _dialog(
        acts.TAGS,
        slug,
        name,
        title=_("Tags of %(name)s"),
        says=[
            _("Tags say what a user may do in the management API and its pages."),
            _("What a user may do with queues and exchanges is a matter of rights in virtual hosts."),
        ],
        label=_("Change the tags"),
        danger=False,
        icon="tag",
        form_template="administration/_user_fields.html",
    )
    found = known.user(slug, name)
    initial = TagsForm.initial_of(found.tags if found else [])

    def act(form: TagsForm) -> tuple[str, str]:
        acts.set_tags(broker=slug, by=audit.actor(request), name=name, **form.values)
        return user_href(slug, name), _("The tags of %(name)s were changed.") % {"name": name}

    return deciding.decide(request, dialog, act, partial(TagsForm, initial=initial))


@secret_form
@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
@never_cache
def user_login(request: HttpRequest) -> HttpResponse:
    """Change how a user signs in."""
    (name,) = asked(request, "name")
    slug = brokers.current(request)
    dialog = _dialog(
        acts.PASSWORD,
        slug,
        name,
        title=_("How %(name)s signs in"),
        says=[
            _("The password that it has now does not work any more, from the next connection on."),
            _("Connections that are open stay open."),
        ],
        label=_("Change it"),
        icon="key",
        form_template="administration/_user_fields.html",
    )

    def act(form: LoginForm) -> tuple[str, str] | HttpResponse:
        made = acts.set_login(broker=slug, by=audit.actor(request), name=name, **form.values)
        if made:
            return _shown_once(request, slug, name, made)
        return user_href(slug, name), _("How %(name)s signs in was changed.") % {"name": name}

    return deciding.decide(request, dialog, act, LoginForm)


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def user_delete(request: HttpRequest) -> HttpResponse:
    """Delete a user."""
    (name,) = asked(request, "name")
    slug = brokers.current(request)
    dialog = _dialog(
        acts.DELETE,
        slug,
        name,
        title=_("Delete the user %(name)s"),
        says=[
            _("The user goes for good, with all rights. RabbitMQ closes the connections that it has open."),
            _("Queues and messages stay. A user of that name that is made again has no rights."),
        ],
        label=_("Delete the user"),
        values={"name": name},
    )

    act = partial(acts.delete, broker=slug, by=audit.actor(request), name=name)
    return deciding.sure(
        request,
        dialog,
        act,
        _("The user %(name)s was deleted.") % {"name": name},
        to=address("user_list", slug),
    )


def _shown_once(request: HttpRequest, slug: str, name: str, made: str) -> HttpResponse:
    """Answer with a password that was made: no redirect, whose message would be stored with the session."""
    context = {"name": name, "password": made, "back": user_href(slug, name), "broker": slug}
    return rendering.page(request, "administration/password_made.html", context)


def _dialog(action: str, slug: str, name: str, *, title: str, **more: Any) -> Dialog:
    back = user_href(slug, name)
    refused = own.why_not(slug, name)
    named = title % {"name": name}
    return Dialog(action, slug, named, back=back, back_label=name, subject=name, refused=refused, **more)
