"""The forms of the consumers' pages."""
