"""A classic queue becomes a quorum queue: planned, done step by step, undone; its page and its calls."""
