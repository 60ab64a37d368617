"""The pages below /alerts/."""
