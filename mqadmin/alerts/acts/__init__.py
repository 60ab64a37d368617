"""What people do with alerts. Each takes keyword arguments and `by=`, is audited, and raises Refusal in words.

`rules`: `create(by, **values)`, `change(by, rule, **values)`, `switch(by, rule, is_on)`, `delete(by, rule)`,
`restore(by, rule)` (a built-in one as it was),
`forecast(rule) -> Forecast`: what it matches now (for an unsaved rule: `Rule(**values)`).
`channels`: `create(by, **values)`, `change(by, channel, **values)`, `switch(by, channel, is_on)`,
`delete(by, channel)`, `test(by, channel) -> Delivery` (its `state` and `answer` are what the service said),
`presented(channel) -> Presented` (whether its variables are set in this process, its last delivery).
`incidents`: `acknowledge(by, incident)`, `reopen(by, incident)` (takes the acknowledgement back),
`snooze(by, incident, until)`, `wake(by, incident)`, `open_now(broker="")`, `state(incident, now)`,
`by_link(token) -> Incident` (for the link in a message; Refusal 404 and 410).
`silences`: `begin(by, reason, ends_at, begins_at=None, broker="", queues="", rule=None)`, `end(by, silence)`,
`current(now)`, `coming(now)`.
`state`: `engine() -> EngineState` (whether rules are evaluated at all, since when not).

Values of rules and channels are the names of their fields in `models`; faults come as `Refusal.fields`. Choices:
`rules.fields.NUMBERS` and `RATES`, `rules.variables.known()`, `rules.checking.ABOUT_QUEUES`.
Addresses that messages link to, by name: `incident_detail` (id), `incident_link` (token).
"""
