"""What stands for each argument of an address."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class World:
    """The row that stands for each argument of an address."""

    vhost: str
    queue: int
    operation: int
    letter: int
    consumer: str
    record: int
    process: int
    host: str
    group: str
    rule: int
    view: int
    standing: int
    wall: int
    incident: int
    alert_rule: int
    channel: int
    silence: int
    token: str
    version: int
    restore: int
    restored: int
    conversion: int
    tap: int
    message: int
    account: int
    api_token: int
    approval: int
    role: int
    factor: int
    exchange: str  # written as in an address, as those below
    work: str
    policy: str
    user: str
    connection: str
    held: str  # a quorum queue
    node: str
    flag: str
    shovel: str
    kind: str = "exchanges"

    def argument(self, route: str, name: str) -> int | str:
        if name == "pk":
            return self.record if "records/" in route else self.process
        if name == "rule_id" and "alerts/" in route:
            return self.alert_rule
        if name == "operation_id" and "conversions/" in route:
            return self.conversion
        if name == "token" and "wall/" in route:
            return "mqw_nobodys"
        if name == "name":
            return self.host if "hosts/" in route else self.consumer
        if name in ("user_id", "token_id"):
            return self.account if name == "user_id" else self.api_token
        return getattr(self, name.removesuffix("_id"))  # type: ignore[no-any-return]
