"""Messages out of and into RabbitMQ, fast and confirmed: the publisher, the mover, pika's connection."""
