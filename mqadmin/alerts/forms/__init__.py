"""Forms of rules, channels and silences. What they may say is decided in `mqadmin.alerts.acts`."""
