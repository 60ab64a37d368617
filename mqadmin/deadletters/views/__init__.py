"""The pages of the dead letters."""
