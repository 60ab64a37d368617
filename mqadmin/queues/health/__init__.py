"""The verdict on a queue: pure functions of what the broker reports, what is remembered, and what time it is."""
