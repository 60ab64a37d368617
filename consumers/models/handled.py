"""Which messages came back, and which were handled: what tells duplicates and poison."""

from __future__ import annotations

from django.db import models

from consumers.models.definition import Consumer


class Suspect(models.Model):
    """A message that came back, noted before it is handled again: if the process dies, the next one knows."""

    consumer = models.ForeignKey(Consumer, on_delete=models.CASCADE, related_name="suspects")
    key = models.CharField(max_length=64)
    process_id = models.BigIntegerField()  # not a foreign key: the row may be gone before the note
    deaths = models.PositiveSmallIntegerField(default=0)
    noted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consumer", "key"], name="one_note_per_message")]

    def __str__(self) -> str:
        return f"{self.key}: {self.deaths}"


class HandledKey(models.Model):
    """A message that was handled, or is being handled: one with the same key is a duplicate.

    Claimed before the handler runs, marked `done` in the transaction that records it as acked, deleted in the
    one that records any other outcome. A claim of a process that died is taken over.
    """

    # Those of a deleted consumer are left to retention. They are nobody's: no other consumer ever has its id.
    consumer = models.ForeignKey(
        Consumer, models.DO_NOTHING, related_name="handled_keys", db_index=False, db_constraint=False
    )
    key = models.CharField(max_length=64)
    process_id = models.BigIntegerField()  # not a foreign key: the row may be gone before the key
    done = models.BooleanField(default=False)
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consumer", "key"], name="one_claim_per_key")]

    def __str__(self) -> str:
        return f"{self.key}: {'done' if self.done else 'in hand'}"
