"""Who may do what, and how a no reads."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mqadmin.core import permissions
from mqadmin.core.models import Operation
from tests.core.conftest import HX, SignIn, make_user

MATRIX = {
    "": set(),
    "viewer": {"view"},
    "operator": {"view", "operate"},
    "admin": {"view", "operate", "configure"},
    "root": {"view", "operate", "configure"},
}


@pytest.mark.parametrize("role", MATRIX)
def test_roles_grant_exactly_their_permissions(db: None, role: str) -> None:
    user = make_user(role)
    granted = {needed for needed in ("view", "operate", "configure") if permissions.may(user, needed)}
    assert granted == MATRIX[role]


@pytest.mark.parametrize("needed", ["view", "operate", "configure"])
def test_denial_is_empty_exactly_where_it_is_allowed(db: None, needed: permissions.Needed) -> None:
    for role in MATRIX:
        user = make_user(role)
        assert bool(permissions.denial(user, needed)) != permissions.may(user, needed)


def test_an_inactive_or_anonymous_user_may_nothing(db: None) -> None:
    user = make_user("admin")
    user.is_active = False
    assert not permissions.may(user, "view")
    assert not permissions.may(AnonymousUser(), "view")


def test_a_permission_of_ones_own_counts_and_that_of_another_app_does_not(db: None) -> None:
    user = make_user("viewer")
    user.user_permissions.add(Permission.objects.get(codename="operate"))
    elsewhere = ContentType.objects.get(app_label="auth", model="user")
    user.user_permissions.add(
        Permission.objects.create(codename="configure", content_type=elsewhere, name="another")
    )
    make_user("admin")  # whose rights are not those of somebody else
    fresh = type(user).objects.get(pk=user.pk)
    with CaptureQueriesContext(connection) as queries:
        assert [permissions.may(fresh, needed) for needed in ("view", "operate", "configure")] == [
            *(True, True, False)
        ]
    assert len(queries) == 1


def test_migrating_again_restores_a_role_and_keeps_what_was_added(transactional_db: None) -> None:
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.clear()
    call_command("migrate", verbosity=0)
    assert [item.codename for item in viewer.permissions.all()] == ["view"]


def test_without_a_role_every_page_says_so(sign_in: SignIn) -> None:
    response = sign_in("").get("/operations/")
    assert response.status_code == 403
    assert "no role yet" in response.text


def test_a_viewer_is_refused_by_the_server_not_only_by_the_button(sign_in: SignIn) -> None:
    operation = Operation.objects.create(kind="test", created_by="x", status="running")
    client = sign_in("viewer")
    page = client.get(f"/operations/{operation.pk}/").text
    assert 'aria-disabled="true"' in page
    assert "This needs the role operator or admin." in page
    assert f'formaction="/operations/{operation.pk}/cancel/"' not in page
    response = client.post(f"/operations/{operation.pk}/cancel/")
    assert response.status_code == 403
    operation.refresh_from_db()
    assert operation.status == "running"


def test_a_denied_htmx_request_gets_a_message_and_keeps_the_page(sign_in: SignIn) -> None:
    operation = Operation.objects.create(kind="test", created_by="x", status="running")
    response = sign_in("viewer").post(f"/operations/{operation.pk}/cancel/", headers=HX)
    assert response.status_code == 403
    assert response["HX-Reswap"] == "none"
    assert "operator or admin" in response["HX-Trigger"]


def test_an_operator_sees_the_working_button(sign_in: SignIn) -> None:
    operation = Operation.objects.create(kind="test", created_by="x", status="running")
    page = sign_in("operator").get(f"/operations/{operation.pk}/").text
    assert f'formaction="/operations/{operation.pk}/cancel/"' in page


def test_a_denial_names_who_can_grant_it(db: None) -> None:
    viewer = make_user("viewer")
    assert permissions.denial(viewer, "configure") == "This needs the role admin."
    make_user("admin")
    permissions.forget()
    assert permissions.denial(viewer, "configure") == "This needs the role admin. Ask admin."
    for name in ("zoe", "ben", "ann"):
        User.objects.create_user(
            name, is_superuser=True, last_login=timezone.now() if name == "zoe" else None
        )
    User.objects.create_user("gone", is_superuser=True, is_active=False)
    permissions.forget()
    assert permissions.denial(viewer, "operate").endswith(" Ask zoe, admin, ann.")
