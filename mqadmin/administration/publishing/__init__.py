"""One message is published to an exchange; where it would go."""
