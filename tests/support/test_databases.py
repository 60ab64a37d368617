"""After a test that commits nothing of it is left, and what every migrate makes is as it was."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from mqadmin.core.permissions import ROLES
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import fulltext
from tests.deadletters.factories import letter

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("turn", [1, 2])
def test_what_was_committed_is_gone(turn: int) -> None:
    assert not User.objects.exists()
    assert not DeadLetter.objects.exists()
    User.objects.create_user("somebody").groups.add(Group.objects.get(name="viewer"))
    letter()


@pytest.mark.parametrize("turn", [1, 2])
def test_what_was_changed_of_roles_is_as_it_was(turn: int) -> None:
    assert {group.name: group.permissions.count() for group in Group.objects.all()} == {
        role: len(needed) for role, needed in ROLES.items()
    }
    Group.objects.get(name="operator").delete()
    Permission.objects.filter(codename="operate").delete()
    ContentType.objects.filter(app_label="core").delete()


@pytest.mark.parametrize("turn", [1, 2])
def test_what_was_dropped_of_the_index_is_there_again(turn: int) -> None:
    assert fulltext.is_there()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {fulltext.TABLE}")
