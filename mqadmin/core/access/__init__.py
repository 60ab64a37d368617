"""Getting in: from where a request comes, how often it may try, which places are known, what is told of it."""
