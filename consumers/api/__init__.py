"""The API's calls for handlers, consumers, processes, hosts and records."""
