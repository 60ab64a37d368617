"""The only door to RabbitMQ: stdlib, requests and pika. No Django."""

from mqadmin.rabbit import codec

codec.install()
