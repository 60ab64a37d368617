"""From the database back to RabbitMQ: claim, publish, confirm, mark (guarantee 4); told before, watched."""
