"""The API's calls for rights of users."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from mqadmin.administration.acting.dry_run import DryRun, answers, dry_run
from mqadmin.administration.listed.api import Listed, ListQuery, page
from mqadmin.administration.permissions import acts, right_words
from mqadmin.administration.permissions.lists import PERMISSIONS, TOPIC_PERMISSIONS
from mqadmin.administration.permissions.shut_out import told
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Asked, Body, a_broker

router = Router(tags=["virtual hosts, users and rights"], auth=VIEW.of("vhost"))


class Rights(Schema):
    """Regular expressions, as RabbitMQ looks for them anywhere in a name; "" allows nothing. `words`: the same
    for people."""

    user: str
    vhost: str
    configure: str
    write: str
    read: str
    words: list[str]


class RightsList(Listed):
    items: list[Rights]


class RightsIn(Body, DryRun):
    broker: str = ""
    user: str
    vhost: str
    configure: str = ""
    write: str = ""
    read: str = ""


class TopicRights(Schema):
    """Regular expressions over routing keys."""

    user: str
    vhost: str
    exchange: str
    write: str
    read: str


class TopicRightsList(Listed):
    items: list[TopicRights]


class TopicRightsIn(Body, DryRun):
    broker: str = ""
    user: str
    vhost: str
    exchange: str
    write: str = ""
    read: str = ""


class RightsNamed(Asked, DryRun):
    """Whose rights, and where."""

    broker: str = ""
    user: str
    vhost: str


@router.get("/permissions", response=RightsList)
def permission_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List what users may do in virtual hosts: `q` as `vhost:shop user:app*`."""

    def out(item: Any) -> dict[str, Any]:
        return {**asdict(item), "words": [said.text for said in right_words.effective(item)]}

    return page(PERMISSIONS, wanted, out)


@router.put("/permissions", response=answers(204), auth=CONFIGURE.of("vhost"))
@dry_run(acts.SET, told)
def permission_set(request: HttpRequest, wanted: RightsIn) -> Status[None]:
    """Set what a user may do in a virtual host, whatever it was; 409 `own_account` for mqadmin's own."""
    values = wanted.dict(exclude={"dry_run"})
    acts.put(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(204, None)


@router.delete("/permissions", response=answers(204), auth=CONFIGURE.of("vhost"))
@dry_run(acts.CLEAR, told)
def permission_clear(request: HttpRequest, wanted: Query[RightsNamed]) -> Status[None]:
    """Take a user's rights in a virtual host away; 409 `own_account` for mqadmin's own."""
    acts.clear(broker=a_broker(wanted.broker), by=audit.actor(request), vhost=wanted.vhost, user=wanted.user)
    return Status(204, None)


@router.get("/topic-permissions", response=TopicRightsList)
def topic_permission_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List with which routing keys users may publish to topic exchanges, and bind to them."""
    return page(TOPIC_PERMISSIONS, wanted, asdict)


@router.put("/topic-permissions", response=answers(204), auth=CONFIGURE.of("vhost"))
@dry_run(acts.SET_TOPIC, told)
def topic_permission_set(request: HttpRequest, wanted: TopicRightsIn) -> Status[None]:
    """Set what a user may do on one topic exchange; 409 `own_account` for mqadmin's own."""
    values = wanted.dict(exclude={"dry_run"})
    acts.put_topic(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(204, None)


@router.delete("/topic-permissions", response=answers(204), auth=CONFIGURE.of("vhost"))
@dry_run(acts.CLEAR_TOPICS, told)
def topic_permission_clear(request: HttpRequest, wanted: Query[RightsNamed]) -> Status[None]:
    """Take all topic permissions of a user in a virtual host away: RabbitMQ takes no single one."""
    acts.clear_topics(
        broker=a_broker(wanted.broker), by=audit.actor(request), vhost=wanted.vhost, user=wanted.user
    )
    return Status(204, None)
