"""The management API: `get` one message, `publish` it, and so on. One connection that is kept open.

`at_once` messages to a `get`: with more than one, those that were taken are lost if the script dies.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import requests

from benchmarks.contenders import clock


def main() -> None:
    told = clock.given()
    timer = clock.Clock(told["messages"])
    config = clock.broker()
    base = f"{config.management_url.rstrip('/')}/api"
    vhost, queue = quote(told["vhost"], safe=""), quote(told["queue"], safe="")
    get = f"{base}/queues/{vhost}/{queue}/get"
    publish = f"{base}/exchanges/{vhost}/amq.default/publish"
    session = requests.Session()
    session.auth = config.auth()

    def call(url: str, body: dict[str, Any]) -> Any:
        answer = session.post(url, json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    wanted = {"count": told["at_once"], "ackmode": "ack_requeue_false", "encoding": "auto"}
    is_done = False
    while not is_done:
        timer.in_hand()
        for message in call(get, wanted):
            copy = {
                "properties": message["properties"],
                "routing_key": told["to"],
                "payload": message["payload"],
                "payload_encoding": message["payload_encoding"],
            }
            if not call(publish, copy)["routed"]:
                raise SystemExit("a message was not routed")
            is_done = timer.acked()
    timer.report()


if __name__ == "__main__":
    main()
