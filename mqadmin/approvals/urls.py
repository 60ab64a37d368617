"""Addresses of acts that wait."""

from __future__ import annotations

from django.urls import path

from mqadmin.approvals.views import approvals

urlpatterns = [
    path("", approvals.approval_list, name="approval_list"),
    path("<int:approval_id>/", approvals.approval_detail, name="approval_detail"),
    path("<int:approval_id>/approve/", approvals.approval_approve, name="approval_approve"),
    path("<int:approval_id>/alone/", approvals.approval_alone, name="approval_alone"),
    path("<int:approval_id>/refuse/", approvals.approval_refuse, name="approval_refuse"),
    path("<int:approval_id>/take-back/", approvals.approval_take_back, name="approval_take_back"),
]
