"""From the database back to RabbitMQ: claim, publish, confirm, mark (guarantee 4); dry-run before, watched."""
