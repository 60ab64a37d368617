"""Letters that an operation ends without having touched: they were there when somebody asked, not any more."""

from __future__ import annotations

from django.utils.translation import gettext as _

from mqadmin.core.acts.operations import Run
from mqadmin.core.models import Operation


def report(run: Run) -> None:
    """Say of an operation that comes to its end how many it passed over: a done one would look complete."""
    counts = Operation._base_manager.values_list("total", "done", "failed")
    total, done, failed = counts.get(pk=run.operation.pk)
    left = total - done - failed
    if left > 0:
        run.problem(
            _("%(n)d of %(total)d") % {"n": left, "total": total},
            _("Somebody else was faster, or it is gone: it was passed over."),
        )
