"""Addresses of brokers and queues. Rows are addressed by id: a queue may be called anything."""

from __future__ import annotations

from django.urls import path

from mqadmin.queues.views import (
    charts,
    columns,
    listing,
    many,
    move,
    overview,
    peek,
    publish,
    purge,
    queue,
    saved,
    settle,
    standings,
    wall,
)

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("rates/", charts.overview_rates, name="overview_rates"),
    path("wall/", wall.wall, name="wall"),
    path("wall/open/<str:token>/", wall.wall_open, name="wall_open"),
    path("queues/", listing.queue_list, name="queue_list"),
    path("queues/complete/", listing.queue_complete, name="queue_complete"),
    path("queues/export.csv", listing.queue_export, {"kind": "csv"}, name="queue_export_csv"),
    path("queues/export.json", listing.queue_export, {"kind": "json"}, name="queue_export_json"),
    path("queues/many/purge/", many.queues_purge, name="queues_purge"),
    path("queues/many/delete/", many.queues_delete, name="queues_delete"),
    path("queues/many/mute/", many.queues_mute, name="queues_mute"),
    path("queues/many/owner/", many.queues_owner, name="queues_owner"),
    path("queues/views/save/", saved.queue_view_save, name="queue_view_save"),
    path("queues/views/<int:view_id>/delete/", saved.queue_view_delete, name="queue_view_delete"),
    path("queues/columns/", columns.queue_columns, name="queue_columns"),
    path("queues/<int:queue_id>/", queue.queue_detail, name="queue_detail"),
    path("queues/<int:queue_id>/settings/", settle.queue_settle, name="queue_settle"),
    path("queues/<int:queue_id>/mute/", settle.queue_mute, name="queue_mute"),
    path("queues/rules/", standings.standing_list, name="standing_list"),
    path("queues/rules/new/", standings.standing_new, name="standing_new"),
    path("queues/rules/<int:standing_id>/", standings.standing_edit, name="standing_edit"),
    path("queues/rules/<int:standing_id>/move/", standings.standing_move, name="standing_move"),
    path("queues/rules/<int:standing_id>/delete/", standings.standing_delete, name="standing_delete"),
    path("queues/<int:queue_id>/lengths/", charts.queue_lengths, name="queue_lengths"),
    path("queues/<int:queue_id>/rates/", charts.queue_rates, name="queue_rates"),
    path("queues/<int:queue_id>/waits/", charts.queue_waits, name="queue_waits"),
    path("queues/<int:queue_id>/peek/", peek.queue_peek, name="queue_peek"),
    path("queues/<int:queue_id>/publish/", publish.queue_publish, name="queue_publish"),
    path("queues/<int:queue_id>/purge/", purge.queue_purge, name="queue_purge"),
    path("queues/<int:queue_id>/move/", move.queue_move, name="queue_move"),
    path("queues/kept/<int:operation_id>/restore/", purge.queue_restore, name="queue_restore"),
]
