"""Addresses of the core's pages."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import views as auth_views
from django.urls import path, reverse_lazy

from mqadmin.core.api import metrics
from mqadmin.core.pages import account, views, walls

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("metrics", metrics.metrics, name="metrics"),
    path(
        "login/",
        account.SignIn.as_view(next_page=settings.LOGIN_REDIRECT_URL),
        name="login",
    ),
    path("logout/", account.SignOut.as_view(), name="logout"),
    path(
        "account/password/",
        account.PasswordChange.as_view(success_url=reverse_lazy("password_change_done")),
        name="password_change",
    ),
    path("account/password/done/", auth_views.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("theme/", views.theme, name="theme"),
    path("language/", views.language, name="language"),
    path("live/", views.live, name="live"),
    path("find/", views.find, name="find"),
    path("operations/", views.operation_list, name="operation_list"),
    path("operations/<int:operation_id>/", views.operation_detail, name="operation_detail"),
    path(
        "operations/<int:operation_id>/pause/", views.operation_change, {"change": "pause"}, "operation_pause"
    ),
    path(
        "operations/<int:operation_id>/resume/",
        views.operation_change,
        {"change": "resume"},
        "operation_resume",
    ),
    path(
        "operations/<int:operation_id>/cancel/",
        views.operation_change,
        {"change": "cancel"},
        "operation_cancel",
    ),
    path("wall/links/", walls.wall_links, name="wall_links"),
    path("wall/links/<int:wall_id>/revoke/", walls.wall_revoke, name="wall_revoke"),
    path("audit/", views.audit_list, name="audit_list"),
    path("restored/<int:restored_id>/dismiss/", views.restored_dismiss, name="restored_dismiss"),
]
