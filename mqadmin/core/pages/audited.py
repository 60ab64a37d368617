"""What rows of the audit log name, in the reader's language: on what, by whom and from where, stored in English."""

from __future__ import annotations

import re
from collections.abc import Callable

from mqadmin.core import wording
from mqadmin.core.translating import gettext as _

# How the parts write what is no name alone. A queue's name stands behind its virtual host: it is none of these.
_TARGETS: tuple[tuple[re.Pattern[str], Callable[[], str]], ...] = (
    (re.compile(r"letters (?P<ids>[\d, ]+)"), lambda: _("letters %(ids)s")),
    (re.compile(r"letters that match everything"), lambda: _("all letters")),
    (re.compile(r"letters that match (?P<what>.+)", re.DOTALL), lambda: _("letters that match %(what)s")),
    (
        re.compile(r"letter (?P<id>\d+) \(no message id from (?P<queue>.+)\)", re.DOTALL),
        lambda: _("letter %(id)s (from %(queue)s)"),
    ),
    (
        re.compile(r"letter (?P<id>\d+) \((?P<message>.+) from (?P<queue>.+)\)", re.DOTALL),
        lambda: _("letter %(id)s (%(message)s from %(queue)s)"),
    ),
    (re.compile(r"operation (?P<id>\d+): (?P<what>.+)", re.DOTALL), lambda: _("operation %(id)s: %(what)s")),
    (re.compile(r"approval (?P<id>\d+): (?P<what>.+)", re.DOTALL), lambda: _("approval %(id)s: %(what)s")),
    (re.compile(r"cause (?P<id>\w+)"), lambda: _("cause %(id)s")),
    (re.compile(r"a backup of (?P<when>.+)"), lambda: _("a backup of %(when)s")),
    (re.compile(r"a file of letters"), lambda: _("a file of letters")),
    (re.compile(r"a view of their own"), lambda: _("a view of their own")),
    (re.compile(r"everybody"), lambda: _("everybody")),
)


def target(text: str) -> str:
    """Return on what an act was: "letters 61, 62", a name as it is."""
    if wording.is_english():
        return text
    for pattern, form in _TARGETS:
        found = pattern.fullmatch(text)
        if found is not None:
            values = found.groupdict()
            # What an operation is called is a sentence of ours; what was searched for, and names, are not.
            if "id" in values and "what" in values:
                values["what"] = wording.worded(values["what"])
            return form() % values
    return text


def actor(name: str) -> str:
    """Return who did it: a part of mqadmin by what it is, a person by their name."""
    return {"retry rule": _("retry rule"), "circuit breaker": _("circuit breaker")}.get(name, name)


def via(code: str) -> str:
    """Return from where: the command line, mqadmin itself, the API."""
    return {"shell": _("shell"), "system": _("system")}.get(code, code)
