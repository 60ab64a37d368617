"""What people fill in: `base` is what every form here begins with; a module a noun."""
