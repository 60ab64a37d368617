"""What users may do in virtual hosts and on topics, and who may use a queue or an exchange."""
