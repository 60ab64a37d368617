"""The tools of an agent: which the token may use, what each returns, and the two steps of an act."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from mqadmin.agents import bounded, described, wording
from mqadmin.agents.asking import Line, Trouble, segment
from mqadmin.agents.confirming import LASTS_S, Codes
from mqadmin.agents.described import Call

STATUS = "mqadmin_status"  # the tool that is always there
_CUTS = 20  # that are told one by one


@dataclass(frozen=True, slots=True)
class Known:
    """What mqadmin said when it was asked last: who the token is, and the calls that it may make."""

    me: Mapping[str, Any]
    calls: Mapping[str, Call]


class Tools:
    """The tools of one token. Any thread.

    `acts`: whether those that change anything are among them; `only`: patterns, one of which a name must match.
    """

    def __init__(self, line: Line, *, acts: bool, only: Sequence[str] = ("*",)) -> None:
        self._line = line
        self._acts = acts
        self._only = only
        self._codes = Codes()
        self._known: Known | None = None
        self._listed: frozenset[str] | None = None

    def offered(self) -> list[Call]:
        """Return the calls that the token may make now; none while mqadmin does not answer, or refuses it."""
        try:
            calls = list(self._ask().calls.values())
        except Trouble:
            calls = []
        self._listed = frozenset(call.name for call in calls)
        return calls

    def call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Use a tool: return what it found or did, or of an act's first step what it would do. Raises Trouble."""
        if name == STATUS:
            return self._status()
        call = self._call(name)
        given = {key: item for key, item in arguments.items() if item is not None}
        code = given.pop("confirm", None)
        _check(call, given)
        if not call.is_act:
            return _told(self._line.ask(*_request(call, given)))
        if code is None:
            return self._say(call, given)
        self._codes.take(str(code), name, given)
        return {
            "done": wording.act(call, given),
            **_told(self._line.ask(*_request(call, given, dry_run=False))),
        }

    def is_changed(self) -> bool:
        """Whether other tools are there than were listed, as far as is known; said once."""
        before, known = self._listed, self._known
        if before is None or known is None or before == frozenset(known.calls):
            return False
        self._listed = frozenset(known.calls)
        return True

    def _ask(self) -> Known:
        """Ask who the token is and what there is. Nothing is known any more where that fails."""
        self._known = None
        me = self._line.ask("GET", "/me")
        document = self._line.ask("GET", "/openapi.json")
        if not isinstance(me, dict) or not isinstance(document, dict):
            raise Trouble("What answers at MQADMIN_URL is not mqadmin's API.", "not_mqadmin")
        may = me.get("may", [])
        calls = {
            name: call
            for name, call in described.calls(document).items()
            if call.needs in may and (self._acts or not call.is_act) and self._is_wanted(name)
        }
        self._known = Known(me, calls)
        return self._known

    def _is_wanted(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self._only)

    def _call(self, name: str) -> Call:
        known = self._known or self._ask()
        if name not in known.calls:  # it may have been given the right meanwhile
            known = self._ask()
        if name not in known.calls:
            raise Trouble(wording.no_tool(name, known.me, acts=self._acts), "forbidden")
        return known.calls[name]

    def _status(self) -> dict[str, Any]:
        known = self._ask()
        me = {key: known.me.get(key) for key in ("name", "role", "may", "token", "expires_at")}
        return {"url": self._line.url, "me": me, "acts": self._acts, "tools": len(known.calls)}

    def _say(self, call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
        said: dict[str, Any] = {"done": False, "would": wording.act(call, given)}
        method, path, query, body = _request(call, given)
        said |= {"method": method, "path": f"/api/v1{path}", "query": query, "body": body}
        if call.dry_run:
            said |= _told(self._line.ask(*_request(call, given, dry_run=True)))
        code = self._codes.give(call.name, given)
        return said | {"confirm": code, "expires_in_seconds": int(LASTS_S), "next": wording.CONFIRM}


def _check(call: Call, given: Mapping[str, Any]) -> None:
    """Raise Trouble for arguments that the call does not have, or has and was not given."""
    known, needed = set(call.schema["properties"]) - {"confirm"}, call.schema.get("required", [])
    why = [f"There is no argument {name!r}." for name in sorted(set(given) - known)]
    why += [f"{name!r} is missing." for name in needed if name not in given]
    if why:
        raise Trouble(" ".join(why), "invalid")


def _request(
    call: Call, given: Mapping[str, Any], *, dry_run: bool | None = None
) -> tuple[str, str, dict[str, Any], Any]:
    """Return method, path, query and body of a call with these arguments. Raises Trouble for an odd name or id."""
    path = re.sub(r"{(\w+)}", lambda found: segment(given[found[1]]), call.path)
    query = {name: given[name] for name in call.in_query if name in given}
    body = given.get("body")
    if dry_run is not None and call.dry_run == "query":
        query["dry_run"] = dry_run
    if dry_run is not None and call.dry_run == "body":
        if not isinstance(body, dict | None):
            raise Trouble("'body' must be an object.", "invalid")
        body = {**(body or {}), "dry_run": dry_run}
    return call.method, path, query, body


def _told(answer: Any) -> dict[str, Any]:
    data, cuts = bounded.fit(answer)
    told: dict[str, Any] = {"data": data, "about": wording.DATA}
    if cuts:
        told |= {"cut": cuts[:_CUTS], "cuts": len(cuts), "how": wording.cut(cuts)}
    return told
