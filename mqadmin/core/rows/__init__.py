"""Many rows at once: stored, batched by bytes, deleted in steps that nobody waits for."""
