"""From what rules match to alerts, incidents and messages in the outbox: one evaluation after another."""
