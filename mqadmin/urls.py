"""All addresses: one include per app, so that a reader who knows the page knows the file."""

from __future__ import annotations

from django.urls import include, path

from mqadmin.api import api

urlpatterns = [
    path("", include("mqadmin.core.urls")),
    path("", include("mqadmin.queues.urls")),
    path("consumers/", include("consumers.urls")),
    path("dead-letters/", include("mqadmin.deadletters.urls")),
    path("alerts/", include("mqadmin.alerts.urls")),
    path("definitions/", include("mqadmin.definitions.urls")),
    path("", include("mqadmin.administration.urls")),
    path("", include("mqadmin.passing.urls")),
    path("", include("mqadmin.accounts.urls")),
    path("approvals/", include("mqadmin.approvals.urls")),
    path("api/v1/", api.urls),
]

handler400 = "mqadmin.core.pages.faults.bad_request"
handler403 = "mqadmin.core.pages.faults.forbidden"
handler404 = "mqadmin.core.pages.faults.not_found"
handler500 = "mqadmin.core.pages.faults.server_error"
