"""The JSON API, v1: each app brings its router; `mqadmin.core.api.plumbing` makes the NinjaAPI they hang on."""

from __future__ import annotations

import consumers.api
import mqadmin.accounts.api
import mqadmin.administration.api
import mqadmin.administration.converting.api
import mqadmin.alerts.api
import mqadmin.approvals.api
import mqadmin.core.api
import mqadmin.deadletters.api
import mqadmin.definitions.api
import mqadmin.passing.api
import mqadmin.queues.api
from mqadmin.core.api.plumbing import create_api

api = create_api()
for app in (
    mqadmin.core.api,
    mqadmin.queues.api,
    consumers.api,
    mqadmin.deadletters.api,
    mqadmin.alerts.api,
    mqadmin.definitions.api,
    mqadmin.administration.api,
    mqadmin.administration.converting.api,
    mqadmin.passing.api,
    mqadmin.accounts.api,
    mqadmin.approvals.api,
):
    api.add_router("", app.router)
