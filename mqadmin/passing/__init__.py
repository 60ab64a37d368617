"""Messages as they pass: a tap on an exchange or a queue, and the journey of one message."""
