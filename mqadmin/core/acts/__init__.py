"""What people and workers do, kept track of: the audit log, operations and their progress, leases, tasks."""
