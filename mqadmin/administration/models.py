"""What a broker was last seen to have of each noun, packed: one listing for all who look."""

from __future__ import annotations

from django.db import models

from mqadmin.core.fields import SentencesField


class Listing(models.Model):
    """How one list of a broker is known: when it was asked for, what came of it. Its rows are in `Packed`.

    `taken_at`: when the rows were true; `asked_at`: when the last call began, whatever came of it; `took`: seconds
    that it lasted; `changed_at`: when something was changed by us, so that what was asked before does not count;
    `wanted_at`: when somebody looked last; `claimed_until`: until when the one who asks now may take.
    `total` is how many rows the broker had, `count` how many are kept.
    """

    broker = models.SlugField(max_length=60)
    kind = models.CharField(max_length=40)
    digest = models.CharField(max_length=32, blank=True)
    count = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    taken_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    took = models.FloatField(default=0)
    changed_at = models.DateTimeField(null=True)
    wanted_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    error = SentencesField(blank=True)
    error_code = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["broker", "kind"], name="one_listing_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.broker}: {self.kind}"


class Packed(models.Model):
    """The rows of a listing (`lists.packing`). Apart from it: noting that it is wanted must not write megabytes."""

    listing = models.OneToOneField(Listing, on_delete=models.CASCADE, primary_key=True)
    digest = models.CharField(max_length=32)
    rows = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.listing_id}: {self.digest}"
