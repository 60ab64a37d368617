"""Addresses of brokers and queues. Rows are addressed by id: a queue may be called anything."""

from __future__ import annotations

from django.urls import path

from mqadmin.queues.views import charts, columns, listing, move, overview, peek, publish, purge, queue

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("rates/", charts.overview_rates, name="overview_rates"),
    path("queues/", listing.queue_list, name="queue_list"),
    path("queues/columns/", columns.queue_columns, name="queue_columns"),
    path("queues/<int:queue_id>/", queue.queue_detail, name="queue_detail"),
    path("queues/<int:queue_id>/lengths/", charts.queue_lengths, name="queue_lengths"),
    path("queues/<int:queue_id>/rates/", charts.queue_rates, name="queue_rates"),
    path("queues/<int:queue_id>/peek/", peek.queue_peek, name="queue_peek"),
    path("queues/<int:queue_id>/publish/", publish.queue_publish, name="queue_publish"),
    path("queues/<int:queue_id>/purge/", purge.queue_purge, name="queue_purge"),
    path("queues/<int:queue_id>/move/", move.queue_move, name="queue_move"),
    path("queues/kept/<int:operation_id>/restore/", purge.queue_restore, name="queue_restore"),
]
