"""What people do: start and stop a tap, keep what it saw, publish that to a test queue."""
