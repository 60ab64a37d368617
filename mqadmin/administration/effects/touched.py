"""What a change would touch, for the dialogs: gathered, worked out by `rabbit.effects`, put in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mqadmin.administration.effects import definition_words, providers, theirs, words
from mqadmin.core import brokers
from mqadmin.core.hooks import Panel
from mqadmin.rabbit.administration import bindings
from mqadmin.rabbit.effects.change import (
    Bind,
    Change,
    DeclareExchange,
    DeclareQueue,
    DeleteExchange,
    DeletePolicy,
    DeleteQueue,
    DeleteVhost,
    DeleteVhostLimit,
    PurgeQueue,
    PutPolicy,
    PutVhostLimit,
    Unbind,
)
from mqadmin.rabbit.effects.effect import Effect, QueueEffect
from mqadmin.rabbit.effects.predict import predict
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.gathering import gather
from mqadmin.rabbit.types import BindingInfo, ExchangeInfo, PolicyInfo

TEMPLATE = "administration/_effect.html"
MOST = 25  # queues in the table
_Values = Mapping[str, Any]


def shown(slug: str, vhost: str, change: Change) -> dict[str, Any]:
    """Return the context of `administration/_effect.html`. Asks the broker; raises RabbitError."""
    return context(theirs.of(predict(gather(brokers.for_page(slug), vhost), change), slug, vhost))


def context(effect: Effect) -> dict[str, Any]:
    """Return an effect for its template: sentences by level, the worst first, and the definitions that change."""
    changed = [item for item in effect.queues if item.before and item.after and item.keys]
    return {
        "levels": words.levels(((item.level, item) for item in effect.statements), words.sentence),
        "queues": [_row(item) for item in changed[:MOST]],
        "more_queues": max(0, len(changed) - MOST),
    }


def effect(slug: str, action: str, values: _Values) -> Effect | None:
    """Return what an act with these values would do, None where that is not known of such an act, or of so little.

    Asks the broker; raises RabbitError.
    """
    client = brokers.for_page(slug)
    made = _CHANGES.get(action)
    change = made(client, values) if made else None
    if change is None:
        return None
    return theirs.of(predict(gather(client, values["vhost"]), change), slug, values["vhost"])


def register() -> None:
    """Have the dialogs of acts whose effects are known show them."""
    for action, made in _CHANGES.items():
        providers.register(action, _provider(made))


def _provider(made: Callable[[ManagementClient, _Values], Change | None]) -> providers.Provider:
    def panel(slug: str, values: _Values) -> Panel | None:
        change = made(brokers.for_page(slug), values)
        return Panel(TEMPLATE, shown(slug, values["vhost"], change)) if change is not None else None

    return panel


def _row(item: QueueEffect) -> dict[str, Any]:
    before, after = item.before, item.after
    return {
        "queue": item.queue,
        "policies": (_names(before), _names(after)),
        "keys": [(key, _value(before, key), _value(after, key)) for key in item.keys],
        "unclear": bool(after and after.unclear),
    }


def _names(applied: Any) -> str:
    return ", ".join(name for name in (applied.policy, applied.operator_policy) if name)


def _value(applied: Any, key: str) -> str:
    found = applied.definition.get(key)
    return "" if found is None else definition_words.value(key, found)


def _bound(_client: ManagementClient, values: _Values) -> Change | None:
    if not values.get("destination") or not values.get("source"):
        return None
    return Bind(
        BindingInfo(
            values["vhost"],
            values["source"],
            values["destination"],
            values["destination_type"],
            values.get("routing_key") or "",
            values.get("arguments") or {},
        )
    )


def _unbound(client: ManagementClient, values: _Values) -> Change | None:
    wanted = (values["destination_type"], values["destination"], values["properties_key"])
    for item in bindings.from_exchange(client, values["vhost"], values["source"]):
        if (item.destination_type, item.destination, item.properties_key) == wanted:
            return Unbind(item.info)
    return None


def _exchange_gone(_client: ManagementClient, values: _Values) -> Change:
    return DeleteExchange(values["name"])


def _exchange_made(_client: ManagementClient, values: _Values) -> Change | None:
    if not values.get("name"):
        return None
    arguments = dict(values.get("arguments") or {})
    if values.get("alternate_exchange"):
        arguments["alternate-exchange"] = values["alternate_exchange"]
    return DeclareExchange(
        ExchangeInfo(
            values["vhost"],
            values["name"],
            values["type"],
            durable=bool(values.get("durable")),
            auto_delete=bool(values.get("auto_delete")),
            arguments=arguments,
        )
    )


def _limited(_client: ManagementClient, values: _Values) -> Change | None:
    if values.get("value") is None:
        return None
    return PutVhostLimit(values["limit"], values["value"])


def _policy_set(*, by_operator: bool) -> Callable[[ManagementClient, _Values], Change | None]:
    def change(_client: ManagementClient, values: _Values) -> Change | None:
        if not values.get("name") or not values.get("definition"):
            return None
        policy = PolicyInfo(
            values["vhost"],
            values["name"],
            values["pattern"],
            values["priority"],
            values["definition"],
            values["apply_to"],
        )
        return PutPolicy(policy, by_operator)

    return change


def _policy_gone(*, by_operator: bool) -> Callable[[ManagementClient, _Values], Change]:
    return lambda _client, values: DeletePolicy(values["name"], by_operator)


def _queue_made(_client: ManagementClient, values: _Values) -> Change | None:
    if not values.get("name"):
        return None
    return DeclareQueue(
        values["name"],
        values["type"],
        durable=bool(values.get("durable")),
        auto_delete=bool(values.get("auto_delete")),
        arguments=values.get("arguments") or {},
    )


def _queue_gone(_client: ManagementClient, values: _Values) -> Change:
    return DeleteQueue(values["name"])


def _queue_emptied(_client: ManagementClient, values: _Values) -> Change:
    return PurgeQueue(values["name"])


_CHANGES: dict[str, Callable[[ManagementClient, _Values], Change | None]] = {
    "binding.create": _bound,
    "binding.delete": _unbound,
    "exchange.declare": _exchange_made,
    "exchange.delete": _exchange_gone,
    "vhost.delete": lambda _client, _values: DeleteVhost(),
    "vhost_limit.set": _limited,
    "vhost_limit.clear": lambda _client, values: DeleteVhostLimit(values["limit"]),
    "policy.set": _policy_set(by_operator=False),
    "policy.delete": _policy_gone(by_operator=False),
    "operator_policy.set": _policy_set(by_operator=True),
    "operator_policy.delete": _policy_gone(by_operator=True),
    "queue.declare": _queue_made,
    "queue.delete": _queue_gone,
    "queue.purge": _queue_emptied,
}
