"""The consumer's line to RabbitMQ: its connection, its subscription, and the acks. I/O thread only."""
