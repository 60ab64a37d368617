"""Alerts: rules on what the monitor sees, incidents, channels, and what was sent, as stored and as done."""
