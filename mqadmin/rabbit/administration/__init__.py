"""What administrators do with a broker over its management API: users, virtual hosts, policies, definitions."""
