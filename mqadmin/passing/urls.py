"""Addresses of taps and journeys. What a tap is on may be called anything: its name stands behind the `?`."""

from __future__ import annotations

from django.urls import path

from mqadmin.passing.views import journeys, taps

urlpatterns = [
    path("journey/", journeys.journey, name="journey"),
    path("taps/", taps.tap_list, name="tap_list"),
    path("taps/new/", taps.tap_new, name="tap_new"),
    path("taps/<int:tap_id>/", taps.tap_detail, name="tap_detail"),
    path("taps/<int:tap_id>/messages/<int:message_id>/", taps.tap_message, name="tap_message"),
    path("taps/<int:tap_id>/stop/", taps.tap_stop, name="tap_stop"),
    path("taps/<int:tap_id>/keep/", taps.tap_keep, name="tap_keep"),
    path("taps/<int:tap_id>/let-go/", taps.tap_let_go, name="tap_let_go"),
    path("taps/<int:tap_id>/replay/", taps.tap_replay, name="tap_replay"),
]
