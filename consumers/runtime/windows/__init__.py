"""Collecting: messages are captured in windows; what is taken, and how the ack of a window is told."""
