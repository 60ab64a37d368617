"""What letters set off by themselves, once switched on: rules that retry, breakers that pause a consumer."""
