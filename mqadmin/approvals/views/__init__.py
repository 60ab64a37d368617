"""The pages of acts that wait."""
