"""Addresses below /alerts/."""

from __future__ import annotations

from django.urls import path

from mqadmin.alerts.views import channels, deliveries, incidents, link, rules, silences

urlpatterns = [
    path("", incidents.incident_list, name="incident_list"),
    path("incidents/<int:incident_id>/", incidents.incident_detail, name="incident_detail"),
    path(
        "incidents/<int:incident_id>/acknowledge/",
        incidents.incident_acknowledge,
        name="incident_acknowledge",
    ),
    path("incidents/<int:incident_id>/reopen/", incidents.incident_reopen, name="incident_reopen"),
    path("incidents/<int:incident_id>/snooze/", incidents.incident_snooze, name="incident_snooze"),
    path("incidents/<int:incident_id>/wake/", incidents.incident_wake, name="incident_wake"),
    path("links/<str:token>/", link.incident_link, name="incident_link"),
    path("rules/", rules.rule_list, name="alert_rule_list"),
    path("rules/new/", rules.rule_new, name="alert_rule_new"),
    path("rules/preview/", rules.rule_preview, name="alert_rule_preview"),
    path("rules/<int:rule_id>/", rules.rule_edit, name="alert_rule_edit"),
    path("rules/<int:rule_id>/switch/", rules.rule_switch, name="alert_rule_switch"),
    path("rules/<int:rule_id>/restore/", rules.rule_restore, name="alert_rule_restore"),
    path("rules/<int:rule_id>/delete/", rules.rule_delete, name="alert_rule_delete"),
    path("channels/", channels.channel_list, name="channel_list"),
    path("channels/new/", channels.channel_new, name="channel_new"),
    path("channels/<int:channel_id>/", channels.channel_edit, name="channel_edit"),
    path("channels/<int:channel_id>/switch/", channels.channel_switch, name="channel_switch"),
    path("channels/<int:channel_id>/test/", channels.channel_test, name="channel_test"),
    path("channels/<int:channel_id>/delete/", channels.channel_delete, name="channel_delete"),
    path("silences/", silences.silence_list, name="silence_list"),
    path("silences/new/", silences.silence_new, name="silence_new"),
    path("silences/<int:silence_id>/end/", silences.silence_end, name="silence_end"),
    path("sent/", deliveries.delivery_list, name="delivery_list"),
]
