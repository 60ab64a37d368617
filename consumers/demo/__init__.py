"""The demo: a small shop on RabbitMQ, with real handlers and a producer that never sleeps."""
