"""What is found before a node is stopped and before an upgrade."""
