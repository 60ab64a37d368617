"""RabbitMQ's management API over HTTP: one method per endpoint, typed results; looking without harm."""
