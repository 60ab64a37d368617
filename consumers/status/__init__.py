"""What a consumer is doing, in words and numbers, for lists and pages."""
