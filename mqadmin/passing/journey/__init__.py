"""One message across queues and services, put together from rows."""
