"""Does the RabbitMQ that the user named answer, on both of its doors? Each fault in its own words."""

from __future__ import annotations

from collections.abc import Mapping

from mqadmin.local.trouble import Trouble
from mqadmin.rabbit import amqp, config, errors
from mqadmin.rabbit.management_api.client import ManagementClient


def check(environ: Mapping[str, str]) -> None:
    """Raise Trouble unless both doors of a configured broker open to its credentials.

    One of several that does not answer is told and gone without: mqadmin must start also while a broker is down.
    """
    try:
        brokers = config.load(environ)
    except errors.ConfigurationError as error:
        raise Trouble(str(error)) from None
    troubles = []
    for broker in brokers.values():
        try:
            _check_amqp(broker)
            _check_management(broker)
        except Trouble as found:
            troubles.append(found)
    if troubles and len(troubles) == len(brokers):
        raise troubles[0]
    for trouble in troubles:
        print(f"{trouble}\nmqadmin starts all the same, for the other brokers.", flush=True)


def _check_amqp(broker: config.BrokerConfig) -> None:
    try:
        with amqp.channel(broker, broker.default_vhost):
            pass
    except errors.RabbitError as error:
        raise Trouble(f"Broker {broker.slug}, AMQP: {error}{_advice(error, broker)}") from None


def _advice(error: errors.RabbitError, broker: config.BrokerConfig) -> str:
    if error.code == "login_refused":
        hint = ""
        if broker.username == "guest":
            hint = " (RabbitMQ lets guest in from its own machine only)"
        return f" Correct the user or the password of {broker.username!r} in RABBITMQ_URL{hint}."
    if isinstance(error, errors.Refused | errors.NotFound):
        return (
            f" The user {broker.username!r} needs rights on the vhost {broker.default_vhost!r}: rabbitmqctl "
            f"set_permissions -p '{broker.default_vhost}' {broker.username} '.*' '.*' '.*'"
        )
    return " Is RabbitMQ running there, and is the port the one for AMQP (usually 5672)?"


def _check_management(broker: config.BrokerConfig) -> None:
    try:
        ManagementClient(broker).overview()
    except errors.RabbitError as error:
        raise Trouble(
            f"Broker {broker.slug}, management: {error}{_management_advice(error, broker)}"
        ) from None


def _management_advice(error: errors.RabbitError, broker: config.BrokerConfig) -> str:
    user = broker.auth()[0]
    if error.code == "login_refused":
        return f" Check the name and the password of {user!r}."
    if isinstance(error, errors.Refused):
        return f" Its password is right. On the broker's machine: rabbitmqctl set_user_tags {user} monitoring"
    return (
        f" mqadmin needs RabbitMQ's management plugin at {broker.management_base}. On the broker's machine: "
        "rabbitmq-plugins enable rabbitmq_management. If it listens elsewhere, set RABBITMQ_MANAGEMENT_URL."
    )
