"""What pages and API show of alerts: incidents with their timeline, rules and channels in words."""
