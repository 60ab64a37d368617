"""Addresses of what a broker is made of besides its queues. Rows are addressed by names, behind the `?`."""

from __future__ import annotations

from django.urls import path

from mqadmin.administration.views import bindings, exchanges, listed, queues

urlpatterns = [
    path("lists/<str:kind>/complete/", listed.list_complete, name="list_complete"),
    # exchanges
    path("exchanges/", exchanges.exchange_list, name="exchange_list"),
    path("exchanges/one/", exchanges.exchange_detail, name="exchange_detail"),
    path("exchanges/new/", exchanges.exchange_new, name="exchange_new"),
    path("exchanges/delete/", exchanges.exchange_delete, name="exchange_delete"),
    # bindings
    path("bindings/", bindings.binding_list, name="binding_list"),
    path("bindings/new/", bindings.binding_new, name="binding_new"),
    path("bindings/delete/", bindings.binding_delete, name="binding_delete"),
    path("bindings/queue/", bindings.queue_named, name="queue_named"),
    # queues
    path("queues/new/", queues.queue_new, name="queue_new"),
    path("queues/<int:queue_id>/delete/", queues.queue_delete, name="queue_delete"),
    path("queues/<int:queue_id>/bind/", queues.queue_bind, name="queue_bind"),
    # connections
    # channels
    # nodes
    # virtual hosts
    # users, permissions, limits
    # policies, parameters
    # shovels, federation
    # feature flags, deprecated features
]
