"""What is on this machine: ports, processes, a RabbitMQ of our own, and what a person can put right.

Nothing here needs Django; but for `reach`, the standard library does.
"""
