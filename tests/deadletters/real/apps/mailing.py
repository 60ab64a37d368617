"""A dramatiq app; what fails more often than `max_retries` ends in dramatiq's own dead queue, `mails.XQ`.

Sent with `python -m tests.deadletters.real.apps.mailing`.
"""

from __future__ import annotations

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.middleware import Retries

from tests.deadletters.real.apps.common import book, url

# Only what the test needs: the usual middleware brings signals and metrics along.
broker = RabbitmqBroker(url=url(), middleware=[Retries(max_retries=2, min_backoff=50, max_backoff=100)])
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name="mails")
def send_mail(job: str, to: str = "") -> None:
    book(job)


@dramatiq.actor(queue_name="mails", max_retries=0)
def send_once(job: str) -> None:
    book(job)


if __name__ == "__main__":
    send_mail.send("dramatiq-1", to="Ada")
    send_mail.send_with_options(args=("dramatiq-2",), kwargs={"to": "Zoë"}, delay=100)
    send_once.send("dramatiq-3")
