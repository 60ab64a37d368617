"""Declaring a queue: refused in words, beside the field to blame, before the broker would refuse or ignore it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.hiding import hidden
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.administration import queue_arguments
from mqadmin.rabbit.administration.queue_arguments import DURABLE_ONLY, TYPE, TYPES, Fault, Version
from mqadmin.rabbit.errors import BadResponse, ManagementUnavailable, NotFound, RabbitError, Refused
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.types import QueueInfo

DECLARE = "queue.declare"
LONGEST = 255  # bytes of a name
_DLX, _DLK, _STRATEGY = "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-dead-letter-strategy"


def declare(
    *,
    broker: str,
    by: Actor,
    vhost: str,
    name: str,
    type: str = "quorum",
    durable: bool = True,
    auto_delete: bool = False,
    node: str = "",
    arguments: Mapping[str, Any] | None = None,
) -> Queue:
    """Declare a queue that is not there yet, and return its row. `node`: where a classic one lives, "" for any.

    `arguments` have RabbitMQ's own names. Raises Refusal: 422 with the fields to blame; 409 `exists`, which says
    what is different of the one that is there; 409 in the broker's words. RabbitError where it does not answer.
    """
    given = dict(arguments or {})
    require_allowed(broker, vhost, name, given)
    detail = hidden({"type": type, "durable": durable, "auto_delete": auto_delete, "arguments": given})
    with audit.act(by=by, action=DECLARE, broker=broker, target=f"{vhost}:{name}", detail=detail):
        client = brokers.client(broker)
        version = version_of(broker, client)
        if wrong := faults(version, vhost, name, type, durable, auto_delete, given):
            raise Refusal(" ".join(dict.fromkeys(wrong.values())), "invalid", status=422, fields=wrong)
        whole = {TYPE: type, **given}
        wanted = QueueInfo(vhost, name, type, durable, auto_delete, arguments=whole)
        try:
            _require_new(client, wanted)
            if node:
                body = {"durable": durable, "auto_delete": auto_delete, "node": node, "arguments": whole}
                client.call("PUT", "queues", vhost, name, body=body)
            else:
                client.declare_queue(vhost, name, durable=durable, auto_delete=auto_delete, arguments=whole)
        except RabbitError as error:
            raise _refused(error) from error
        return _row(broker, wanted)


def require_allowed(broker: str, vhost: str, name: str, arguments: Mapping[str, Any]) -> None:
    """See that who asks may do what is needed with a queue of that name, and with where its dead letters would go.
    Raises Unseen, Denied."""
    permissions.require(broker, vhost, name, field="name")
    exchange = arguments.get(_DLX)
    if exchange is not None:
        # An exchange is of the whole virtual host; the default one leads to the queue that is named.
        key = arguments.get(_DLK)
        permissions.require(broker, vhost, key if exchange == "" and isinstance(key, str) else None)


def version_of(broker: str, client: ManagementClient) -> Version | None:
    """Return the broker's version: as last sampled, else as it says. Raises RabbitError."""
    row = Broker.objects.filter(slug=broker).only("version", "product").first()
    text = row.version if row and row.version else client.overview().version
    return queue_arguments.version_of(text)


def faults(
    version: Version | None,
    vhost: str,
    name: str,
    type: str,
    durable: bool,
    auto_delete: bool,
    arguments: Mapping[str, Any],
) -> dict[str, str]:
    """Return what is wrong with a queue that is to be declared, by the field to blame."""
    found = {field: text for field, text in (("vhost", _name(vhost)), ("name", _name(name))) if text}
    if name.startswith("amq."):
        found["name"] = _("Names that begin with “amq.” are RabbitMQ's own.")
    if type not in TYPES:
        found["type"] = _("A queue is one of: %(types)s.") % {"types": ", ".join(TYPES)}
        return found
    if type in DURABLE_ONLY and not durable:
        found["durable"] = _("A %(type)s queue is always durable.") % {"type": type}
    if type in DURABLE_ONLY and auto_delete:
        found["auto_delete"] = _("A %(type)s queue cannot delete itself. Use x-expires.") % {"type": type}
        if type == "stream":
            found["auto_delete"] = _("A stream cannot delete itself.")
    if arguments.get(TYPE, type) != type:
        found["arguments"] = _("x-queue-type is %(other)s there, and the type %(type)s above.") % {
            "other": arguments[TYPE],
            "type": type,
        }
    for fault in queue_arguments.faults(type, version, arguments):
        found.setdefault(fault.argument.field, _words(fault, type, version))
    for field, text in _together(arguments).items():
        found.setdefault(field, text)
    return found


def _together(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong of arguments that need one another."""
    found = {}
    if _DLK in arguments and _DLX not in arguments:
        found["dead_letter_routing_key"] = _("It takes a dead letter exchange; “” is the default one.")
    if arguments.get(_STRATEGY) == "at-least-once":
        if _DLX not in arguments:
            found["dead_letter_strategy"] = _("It takes a dead letter exchange.")
        if arguments.get("x-overflow") != "reject-publish":
            found["overflow"] = _(
                "At-least-once dead-lettering needs reject-publish; with anything else RabbitMQ falls back to "
                "at-most-once in silence."
            )
    retries = arguments.get("x-delayed-retry-type", "disabled") != "disabled"
    least, most = arguments.get("x-delayed-retry-min"), arguments.get("x-delayed-retry-max")
    if retries and least is None:
        found["delayed_retry_min"] = _("Say after how long a message comes back.")
    if isinstance(least, int) and isinstance(most, int) and most < least:
        found["delayed_retry_max"] = _("That is less than the shortest delay.")
    return found


def _name(text: str) -> str:
    if not text:
        return _("A name is needed.")
    try:
        length = len(text.encode())
    except UnicodeEncodeError:
        return _("That is not valid text.")
    if "\0" in text:
        return _("That is not valid text.")
    if "\n" in text or "\r" in text:
        return _("RabbitMQ takes line ends out of a name. Write it without them.")
    return _("That is longer than %(n)d bytes.") % {"n": LONGEST} if length > LONGEST else ""


def _words(fault: Fault, type: str, version: Version | None) -> str:
    argument = fault.argument
    values = {
        "name": argument.name,
        "type": type,
        "version": ".".join(map(str, version or ())),
        "since": ".".join(map(str, argument.since)),
        "before": ".".join(map(str, argument.before or ())),
        "least": argument.least,
        "most": argument.most or 0,
        "choices": ", ".join(argument.choices),
    }
    texts = {
        "type": _("A queue of type %(type)s takes no %(name)s."),
        "old": _("RabbitMQ %(version)s does not know %(name)s; it came with %(since)s."),
        "new": _("RabbitMQ has no %(name)s any more since %(before)s."),
        "number": _("%(name)s is a whole number, %(least)d or more."),
        "range": _("%(name)s is a whole number from %(least)d to %(most)d."),
        "flag": _("%(name)s is true or false."),
        "choice": _("%(name)s is one of: %(choices)s."),
        "age": _("%(name)s is a number and a unit: 7D, 12h, 30m; Y, M, D, h, m or s."),
        "text": _("%(name)s is a text of at most 255 bytes."),
    }
    kind = "range" if argument.kind == "number" and argument.most else argument.kind
    return texts[kind if fault.code == "value" else fault.code] % values


def _require_new(client: ManagementClient, wanted: QueueInfo) -> None:
    """Raise Refusal (409, `exists`) where there is such a queue, with what is different of it."""
    try:
        there = client.queue(wanted.vhost, wanted.name).info
    except NotFound:
        return
    differs = differences(there, wanted)
    if differs:
        text = _("There is a queue of that name already, and it differs: %(what)s.") % {
            "what": "; ".join(differs)
        }
    else:
        text = _("There is a queue of that name already, declared just like this.")
    raise Refusal(text, "exists", fields={"name": text})


def differences(there: QueueInfo, wanted: QueueInfo) -> list[str]:
    """Return in words what is different of a queue that is there from the one that is wanted."""
    yes_no = {True: _("yes"), False: _("no")}
    pairs = [
        (_("type"), there.type, wanted.type),
        (_("durable"), yes_no[there.durable], yes_no[wanted.durable]),
        (_("auto-delete"), yes_no[there.auto_delete], yes_no[wanted.auto_delete]),
    ]
    if there.exclusive:
        pairs.append((_("exclusive"), yes_no[True], yes_no[False]))
    missing = _("none")
    names = sorted((set(there.arguments) | set(wanted.arguments)) - {TYPE})
    for name in names:
        pairs.append((name, there.arguments.get(name, missing), wanted.arguments.get(name, missing)))
    text = _("%(what)s is %(there)s, not %(wanted)s")
    return [
        text % {"what": what, "there": is_there, "wanted": is_wanted}
        for what, is_there, is_wanted in pairs
        if (is_there, type(is_there)) != (is_wanted, type(is_wanted))
    ]


def _refused(error: RabbitError) -> RabbitError | Refusal:
    """Return what a broker said no with as a Refusal in its words; the error itself where it does not answer."""
    if error.code == "login_refused" or isinstance(error, ManagementUnavailable):
        return error
    if isinstance(error, NotFound):
        return Refusal(str(error), error.code, status=404)
    return Refusal(str(error), error.code) if isinstance(error, Refused | BadResponse) else error


def _row(broker: str, made: QueueInfo) -> Queue:
    """Return the row of a queue that was just made: the monitor fills in the rest at its next look."""
    row, _new = Queue.objects.update_or_create(
        broker=Broker.objects.get_or_create(slug=broker)[0],
        vhost=made.vhost,
        name=made.name,
        defaults={
            "type": made.type,
            "durable": made.durable,
            "auto_delete": made.auto_delete,
            "arguments": dict(made.arguments),
            "gone_at": None,
        },
    )
    return row
