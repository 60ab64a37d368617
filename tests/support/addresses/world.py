"""One row of everything that an address can name, for pages and calls that no broker answers."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, User
from django.utils import timezone

from mqadmin.alerts.models import Incident
from mqadmin.alerts.telling import links
from mqadmin.core.api import tokens
from mqadmin.core.models import Grant, Operation, Restored, WallToken
from mqadmin.deadletters.models import RetryRule, SavedView
from mqadmin.definitions.models import Version
from mqadmin.queues.models import Broker, Queue, SavedQueueView, Standing
from tests.alerts.factories import make_channel, make_incident, make_rule, make_silence
from tests.approvals.factories import make_approval
from tests.deadletters.factories import letter
from tests.passing.factories import make_seen
from tests.support.consumers import make_consumer, make_process, make_record, make_supervisor


@dataclass(frozen=True)
class World:
    """One row of everything that an address can name."""

    queue: int
    operation: int
    letter: int
    consumer: str
    record: int
    process: int
    rule: int
    view: int
    wall: int
    standing: int
    incident: int
    alert_rule: int
    channel: int
    silence: int
    version: int
    restore: int
    restored: int
    tap: int
    seen: int
    account: int
    token: int
    approval: int
    role: int
    factor: int

    def argument(self, route: str, name: str) -> int | str:
        """Return what stands for the argument `name` of an address."""
        if name == "pk":
            return self.record if "records/" in route else self.process
        if name == "rule_id" and "alert" in route:
            return self.alert_rule
        values = {
            "queue_id": self.queue,
            "operation_id": self.operation,
            "letter_id": self.letter,
            "name": self.consumer,
            "slug": "default",
            "kind": "exchanges",
            "record_id": self.record,
            "process_id": self.process,
            "rule_id": self.rule,
            "view_id": self.view,
            "standing_id": self.standing,
            "group": "0" * 16,
            "wall_id": self.wall,
            "incident_id": self.incident,
            "channel_id": self.channel,
            "silence_id": self.silence,
            "version_id": self.version,
            "restore_id": self.restore,
            "restored_id": self.restored,
            "tap_id": self.tap,
            "message_id": self.seen,
            "user_id": self.account,
            "account_id": self.account,
            "token_id": self.token,
            "approval_id": self.approval,
            "role_id": self.role,
            "factor_id": self.factor,
            "token": "mqw_nobodys" if "wall" in route else links.token(Incident(pk=self.incident)),
        }
        return values[name]


def make_world(admin: User) -> World:
    """Write one row of everything."""
    broker = Broker.objects.create(slug="default")
    consumer = make_consumer()
    record, process = make_record(consumer), make_process(consumer)
    make_supervisor(consumer.name)  # a host by the same name: an address tells them apart
    view = SavedView.objects.create(name="all", query="", by="ann").pk
    SavedQueueView.objects.create(pk=view, name="all", query="", by="ann")
    seen = make_seen()
    other = User.objects.create_user("eve")
    return World(
        queue=Queue.objects.create(broker=broker, vhost="/", name="orders").pk,
        operation=Operation.objects.create(kind="queues.purge", created_by="ann").pk,
        letter=letter().pk,
        consumer=consumer.name,
        record=record.pk,
        process=process.pk,
        rule=RetryRule.objects.create(broker="default", group="0" * 16, changed_by="ann").pk,
        # Everybody's: an admin alone deletes it. One's own anybody may.
        view=view,
        standing=Standing.objects.create(name="all", query="name:*", owner="team-a", by="ann").pk,
        wall=WallToken.objects.create(user=admin, name="kitchen", digest="0" * 64).pk,
        incident=make_incident().pk,
        alert_rule=make_rule().pk,
        channel=make_channel().pk,
        silence=make_silence().pk,
        version=Version.objects.create(broker="default", at=timezone.now()).pk,
        restore=Operation.objects.create(kind="definitions.restore", created_by="ann").pk,
        restored=Restored.objects.create(taken_at=timezone.now(), by="ann").pk,
        tap=seen.tap_id,
        seen=seen.pk,
        account=other.pk,
        token=tokens.make(user=other)[0].pk,
        approval=make_approval().pk,
        role=Grant.objects.create(
            group=Group.objects.create(name="shop team"), vhost="shop", level=2
        ).group_id,
        factor=Authenticator.objects.create(
            user=other, type=Authenticator.Type.WEBAUTHN, data={"name": "key"}
        ).pk,
    )
