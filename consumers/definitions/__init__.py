"""What a person defines and does: a consumer's fields, what they may say, start, stop, pause, scale."""
