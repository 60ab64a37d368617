"""How people are told: messages in words, links, what services answer, the outbox and the threads that empty it."""
