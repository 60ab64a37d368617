"""What holds before a node is stopped and before RabbitMQ is upgraded; who gains or loses a member. Pure."""
