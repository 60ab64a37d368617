"""What people fill in to start a tap or a replay."""
