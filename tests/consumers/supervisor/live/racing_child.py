"""A cheap consumer on RABBITMQ_URL: python racing_child.py VHOST QUEUE REFUSED-FILE.

It asks for the queue exclusively, so that the broker itself refuses a second one; that is written into the file.
"""

import os
import sys

import pika
from pika.exceptions import ChannelClosedByBroker

from mqadmin.rabbit.config import load

vhost, queue, refused = sys.argv[1:]
connection = pika.BlockingConnection(load(os.environ)["default"].connection_parameters(vhost))
channel = connection.channel()
try:
    channel.basic_consume(queue, lambda *_: None, exclusive=True)
    channel.start_consuming()
except ChannelClosedByBroker as error:
    with open(refused, "a") as file:
        file.write(f"{queue}: {error.reply_text}\n")
    sys.exit(9)
