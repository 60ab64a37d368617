"""Queues are declared, bound and deleted; their pages are those of `mqadmin.queues`."""
