"""An export with its secrets: straight from the broker, for admins, and audited; nothing of it is kept."""

from __future__ import annotations

from typing import Any

from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.definitions.comparing import document
from mqadmin.definitions.keeping import asking


def with_secrets(*, broker: str, vhost: str | None, by: Actor) -> dict[str, Any]:
    """Return RabbitMQ's own export as it is, with password hashes and all. Raises RabbitError.

    Of one virtual host: in the form of the whole, each object with its `vhost`, and with the permissions there.
    """
    with audit.act(
        by=by, action="definitions.export", broker=broker, target=vhost or "", detail={"secrets": True}
    ):
        told = asking.client(broker).export().document or {}
        if vhost is None:
            return told
        read = asking.as_read(broker, told)
        own = {key: body for key, body in read.objects.items() if key.vhost == vhost}
        return document.written(own, version=read.version)
