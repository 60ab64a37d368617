"""What history keeps of the causes of dead letters, and the lines that are drawn of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import tally
from mqadmin.history.recording import Key, Raw
from mqadmin.queues.pages import history
from mqadmin.queues.pages.history import Shown

KIND = "cause"


def source(broker: str) -> Mapping[Key, Raw]:
    """Return the numbers of `history.kinds.CAUSE` of a broker's causes, in one query of kept counts."""
    rows = tally.counted({"broker": broker}).values_list("group")
    waiting = Sum("letters", filter=Q(status=DeadLetter.Status.PARKED), default=0)
    return {
        Key(KIND, "", group): (parked, letters)
        for group, parked, letters in rows.annotate(parked=waiting, n=Sum("letters"))
        if letters > 0
    }


def chart(broker: str, group: str, shown: Shown) -> dict[str, Any]:
    """Return how many letters of a cause waited and how many there were, as `static/js/charts.js` takes it."""
    wanted = [(_("waiting"), "red", "waiting"), (_("all that are kept"), "grey", "letters")]
    found = history.kept(broker, KIND, ("", group), wanted, shown, time.time())
    return history.marked(found, history.happened(shown, broker))
