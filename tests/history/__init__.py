"""History: what was."""
