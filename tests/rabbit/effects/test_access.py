"""Who is shut out by a change of rights, users and limits: predicted, then made on a real broker and tried."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pika
import pytest
from pika.exceptions import AMQPError

from mqadmin.rabbit.administration import access as asking
from mqadmin.rabbit.administration import limits, permissions, users
from mqadmin.rabbit.administration.permissions import Permission, TopicPermission
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.effects.access import (
    Access,
    AccessChange,
    ClearRight,
    ClearTopics,
    DeleteUser,
    SetRight,
    SetTopic,
    SetUserLimit,
    ShutOut,
    Use,
    after,
    predict,
)
from mqadmin.rabbit.errors import NotFound
from tests.support.management import Management
from tests.support.vhosts import temporary_vhost
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker
KEYS = ("order.new", "stock.low")
PASSWORD = "secret"
Make = Callable[[str, str], AccessChange]


def _right(*expressions: str) -> Make:
    return lambda user, vhost: SetRight(Permission(user, vhost, *expressions))


def _topic(write: str, exchange: str = "topics") -> Make:
    return lambda user, vhost: SetTopic(TopicPermission(user, vhost, exchange, write, ".*"))


CASES: dict[str, tuple[Make, set[str]]] = {
    "nothing is taken": (_right("", ".*", ".*"), set()),
    "reading goes": (_right(".*", ".*", "^other"), {"in"}),
    "writing goes": (_right(".*", "", ".*"), {"topics", "plain", ""}),
    "the default exchange goes": (_right(".*", "^(topics|plain)$", ".*"), {""}),
    "one exchange stays": (_right("", "^topics$", "^in$"), {"plain", ""}),
    "all rights go": (lambda user, vhost: ClearRight(user, vhost), {"connects"}),
    "a key goes": (_topic("^order\\."), {"topics/stock.low"}),
    "all keys go": (_topic(""), {"topics/order.new", "topics/stock.low"}),
    "by its name": (_topic("^{username}\\."), {"topics/order.new", "topics/stock.low"}),
    "of no topic exchange": (_topic("", "plain"), set()),
    "topic permissions go": (lambda user, vhost: ClearTopics(user, vhost), set()),
    "the user goes": (lambda user, _vhost: DeleteUser(user), {"closed"}),
    "no more connections": (
        lambda user, _vhost: SetUserLimit(user, "max-connections", 1),
        {"max-connections"},
    ),
    "one more connection": (lambda user, _vhost: SetUserLimit(user, "max-connections", 2), set()),
    "no connections": (lambda user, _vhost: SetUserLimit(user, "max-connections", 0), {"max-connections"}),
    "no more channels": (lambda user, _vhost: SetUserLimit(user, "max-channels", 1), {"max-channels"}),
    "any number": (lambda user, _vhost: SetUserLimit(user, "max-channels", -1), set()),
}
PUBLISHED = ("topics", "plain", "")


@dataclass
class Case:
    """A user with a client that is at work: what it does, who may what before, and what is predicted."""

    user: str
    vhost: str
    connection: pika.BlockingConnection
    change: AccessChange
    before: Access
    said: list[ShutOut]


@pytest.fixture(scope="module")
def cases(broker_config: BrokerConfig) -> Iterator[dict[str, Case]]:
    """All clients at work before anything is changed: the broker takes seconds to tell of them."""
    management = Management(broker_config)
    with temporary_vhost(broker_config, "access") as vhost, contextlib.ExitStack() as stack:
        stack.callback(management.close)
        management.declare_queue(vhost, "in")
        management.declare_exchange(vhost, "topics", type="topic")
        management.declare_exchange(vhost, "plain", type="direct")
        named, working = {}, {}
        for name in CASES:
            named[name] = user = f"u{secrets.token_hex(4)}"
            management.create_user(user, PASSWORD)
            stack.callback(_deleted, management, user)
            permissions.put(management, vhost, user, configure="", write=".*", read=".*")
            working[name] = connection = _connected(broker_config, vhost, user)
            stack.callback(_closed, connection)
            connection.channel().basic_consume("in", lambda *_message: None)
        permissions.put_topic(management, vhost, named["topic permissions go"], "topics", write="^o", read="")
        known = wait_until(lambda: _known(management, vhost, set(named.values())), 30, interval=0.5)
        access, uses = known
        yield {
            name: _predicted(access, uses, named[name], vhost, working[name], make)
            for name, (make, _said) in CASES.items()
        }


def _known(management: Management, vhost: str, wanted: set[str]) -> tuple[Access, list[Use]] | None:
    access, uses, _unknown = asking.gather(management, users_of=wanted)
    reading = {use.user for use in uses if use.does == "consumes" and use.vhost == vhost}
    connected = {use.user for use in uses if use.does == "connects" and use.vhost == vhost}
    is_all = reading == connected == wanted and all(access.channels.get(user) == 1 for user in wanted)
    return (access, uses) if is_all else None


def _predicted(
    access: Access, uses: list[Use], user: str, vhost: str, connection: pika.BlockingConnection, make: Make
) -> Case:
    change = make(user, vhost)
    # What they publish is kept by brokers alone that are told to: here it is said.
    published = [Use("publishes", user, vhost, name, keys=KEYS) for name in PUBLISHED]
    own = [use for use in uses if use.user == user]
    others = [use for use in uses if use.user != user]
    access = replace(access, topic_exchanges=frozenset({(vhost, "topics")}))
    said = predict(access, [*own, *published, *others], change)
    assert all(item.use.user == user for item in said), "nobody else is shut out"
    return Case(user, vhost, connection, change, access, said)


def _connected(config: BrokerConfig, vhost: str, user: str) -> pika.BlockingConnection:
    parameters = config.connection_parameters(vhost)
    parameters.credentials = pika.PlainCredentials(user, PASSWORD)
    return pika.BlockingConnection(parameters)


def _closed(connection: pika.BlockingConnection) -> None:
    with contextlib.suppress(AMQPError):
        connection.close()


def _deleted(management: Management, user: str) -> None:
    with contextlib.suppress(NotFound):
        management.delete_user(user)


def make(management: Management, change: AccessChange) -> None:
    match change:
        case SetRight(right=right):
            given = {"configure": right.configure, "write": right.write, "read": right.read}
            permissions.put(management, right.vhost, right.user, **given)
        case ClearRight(user=user, vhost=vhost):
            permissions.clear(management, vhost, user)
        case SetTopic(topic=item):
            permissions.put_topic(
                management, item.vhost, item.user, item.exchange, write=item.write, read=".*"
            )
        case ClearTopics(user=user, vhost=vhost):
            permissions.clear_topics(management, vhost, user)
        case DeleteUser(user=user):
            users.delete(management, user)
        case SetUserLimit(user=user, name=name, value=value):
            limits.put(management, "user", user, name, value)


def _words(said: list[ShutOut]) -> set[str]:
    found = set()
    for item in said:
        if item.why == "closed":
            found.add("closed")
        elif item.why == "vhost":
            found.add("connects")
        elif item.why == "key":
            found |= {f"{item.use.name}/{key}" for key in item.keys}
        else:
            found.add(item.use.name)
    return found


@pytest.mark.parametrize("name", list(CASES))
def test_who_is_predicted_to_be_shut_out_is_shut_out(
    broker_config: BrokerConfig, management: Management, cases: dict[str, Case], name: str
) -> None:
    case = cases[name]
    assert _words(case.said) == CASES[name][1]
    assert all(item.is_sure for item in case.said)
    make(management, case.change)
    assert _tried(broker_config, case) == CASES[name][1]


def _tried(config: BrokerConfig, case: Case) -> set[str]:
    """Do anew all that the client does, each by itself; return what is refused, in the words of `_words`."""
    if case.user not in after(case.before, case.change).users:
        wait_until(lambda: not _goes_on(case.connection), 15)
        return {"closed"}
    assert _goes_on(case.connection), "what is open stays"
    if isinstance(case.change, SetUserLimit) and case.change.name == "max-channels":
        try:
            case.connection.channel()
        except AMQPError:
            return {"max-channels"}
        return set()
    try:
        connection = _connected(config, case.vhost, case.user)
    except AMQPError:
        return {case.change.name} if isinstance(case.change, SetUserLimit) else {"connects"}
    with contextlib.closing(connection):
        refused = set() if _may_consume(connection) else {"in"}
        for exchange in PUBLISHED:
            keys = {key for key in KEYS if not _may_publish(connection, exchange, key)}
            if keys == set(KEYS) and not (exchange == "topics" and isinstance(case.change, SetTopic)):
                refused.add(exchange)
            else:
                refused |= {f"{exchange}/{key}" for key in keys}
        return refused


def _goes_on(connection: pika.BlockingConnection) -> bool:
    try:
        connection.process_data_events(0.1)
    except AMQPError:
        return False
    return connection.is_open


def _may_consume(connection: pika.BlockingConnection) -> bool:
    channel = connection.channel()
    try:
        channel.basic_cancel(channel.basic_consume("in", lambda *_message: None))
    except pika.exceptions.ChannelClosedByBroker:
        return False
    return True


def _may_publish(connection: pika.BlockingConnection, exchange: str, key: str) -> bool:
    channel = connection.channel()
    channel.confirm_delivery()
    try:
        channel.basic_publish(exchange, key, b"x")
    except pika.exceptions.ChannelClosedByBroker:
        return False
    return True


@pytest.mark.any_version
def test_what_cannot_be_told_is_said_so() -> None:
    access = Access(
        rights=(Permission("u", "v", "", ".*", ".*"),),
        users=frozenset("u"),
        topic_exchanges=frozenset({("v", "t")}),
    )
    use = Use("publishes", "u", "v", "t", keys=("a",))
    [said] = predict(access, [use], SetTopic(TopicPermission("u", "v", "t", "^{client_id}", "")))
    assert (said.why, said.is_sure) == ("key", False)
    [said] = predict(access, [use], SetRight(Permission("u", "v", "", "(?=t)t", "")))
    assert (said.why, said.is_sure) == ("right", False)
    was = replace(access, rights=(Permission("u", "v", "", "x", ".*"),))
    assert predict(was, [use], SetRight(Permission("u", "v", "", "y", ".*"))) == [], "it was refused before"
