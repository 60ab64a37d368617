"""A conversion in words: its steps, before and while they are done; what going on and undoing would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from mqadmin.administration.converting import stages
from mqadmin.administration.converting.stages import Place, State
from mqadmin.core.models import Operation
from mqadmin.core.tones import Tone


@dataclass(frozen=True)
class StepWords:
    """One step for a page: what is done, how far it is, where the messages are once it is done."""

    name: str
    state: State
    state_words: str
    tone: Tone
    title: str
    where: str


_TONES: dict[State, Tone] = {"done": "green", "now": "blue", "failed": "red", "waiting": "grey"}


def title(name: str) -> str:
    """Return what a step does."""
    return {
        "pause": _("Pause mqadmin's consumers of it, and wait until nobody consumes"),
        "finish": _("Have what was on its way back arrive"),
        "make_temporary": _("Declare a temporary quorum queue; try whether the new queue would be taken"),
        "move_out": _("Move its messages there, each confirmed before it is acked"),
        "replace": _(
            "Bind the temporary queue the same; delete the queue while it is empty, declare it anew, bind it"
        ),
        "unbind_temporary": _("Unbind the temporary queue"),
        "move_back": _("Move the messages back, in their order"),
        "delete_temporary": _("Delete the temporary queue, which is empty"),
        "resume": _("Resume mqadmin's consumers"),
    }[name]


def where(name: str) -> str:
    """Return where the messages are once a step is done."""
    return {
        "pause": _("All are in the queue."),
        "finish": _("All are in the queue."),
        "make_temporary": _("All are in the queue."),
        "move_out": _("All are in the temporary queue."),
        "replace": _("All are in the temporary queue; what exchanges pass on goes to both."),
        "unbind_temporary": _(
            "What was there before is in the temporary queue; what comes now goes to the new one."
        ),
        "move_back": _("All are in the new queue."),
        "delete_temporary": _("All are in the new queue."),
        "resume": _("All are in the new queue, and are consumed."),
    }[name]


def steps(operation: Operation) -> Sequence[StepWords]:
    """Return the steps of an operation with what became of them."""
    return [
        StepWords(
            step.name,
            step.state,
            _state(step.state, operation),
            _TONES[step.state],
            title(step.name),
            where(step.name),
        )
        for step in stages.steps(operation)
    ]


def _state(state: State, operation: Operation) -> str:
    if state == "now" and operation.status != Operation.Status.RUNNING:
        return str(operation.get_status_display())
    if state == "failed" and operation.status == Operation.Status.CANCELLED:
        return _("cancelled here")
    return {"done": _("done"), "now": _("at work"), "failed": _("failed here"), "waiting": _("to come")}[
        state
    ]


def place(item: Place) -> str:
    """Return what is to be said of a queue besides its number of messages, "" for nothing."""
    if item.is_there is None:
        return _("The broker does not answer.")
    return "" if item.is_there else _("It is not there.")


def undo_does(operation: Operation) -> str:
    """Return what undoing this operation would do."""
    done = stages.at(operation)
    to = (
        _("a quorum queue")
        if stages.is_undoing(operation)
        else _("a classic queue, with the arguments that it had")
    )
    values = {"to": to}
    if done <= stages.NAMES.index("make_temporary"):
        return _("Nothing was changed: the paused consumers are resumed, no more.")
    if done <= stages.NAMES.index("replace"):
        text = _(
            "The rest follows into the temporary queue, then all goes back into the queue, which stays or "
            "is again %(to)s."
        )
        return text % values
    text = _(
        "The same steps the other way: all goes into a temporary queue, the queue is deleted and declared as "
        "%(to)s, bound the same, and filled again. A quorum queue cannot check itself that it is empty: publishers "
        "have to be stopped."
    )
    return text % values


def go_on_does(operation: Operation) -> str:
    """Return what going on would do."""
    at = stages.NAMES[min(stages.at(operation), len(stages.NAMES) - 1)]
    return _("It begins again at this step: %(step)s.") % {"step": title(at)}
