"""The broker's event exchange listened to: who changed what, as the broker tells it."""
