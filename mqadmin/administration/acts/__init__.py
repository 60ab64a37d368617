"""What people change on a broker: a service for each act, all by way of `changing.change`."""
