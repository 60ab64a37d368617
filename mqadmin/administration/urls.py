"""Addresses of what a broker is made of besides its queues. Rows are addressed by names, behind the `?`."""

from __future__ import annotations

from django.urls import path

from mqadmin.administration.views import bindings, channels, connections, exchanges, listed, publishing

urlpatterns = [
    path("lists/<str:kind>/complete/", listed.list_complete, name="list_complete"),
    # exchanges
    path("exchanges/", exchanges.exchange_list, name="exchange_list"),
    path("exchanges/one/", exchanges.exchange_detail, name="exchange_detail"),
    path("exchanges/new/", exchanges.exchange_new, name="exchange_new"),
    path("exchanges/delete/", exchanges.exchange_delete, name="exchange_delete"),
    path("exchanges/publish/", publishing.exchange_publish, name="exchange_publish"),
    # bindings
    path("bindings/", bindings.binding_list, name="binding_list"),
    path("bindings/new/", bindings.binding_new, name="binding_new"),
    path("bindings/delete/", bindings.binding_delete, name="binding_delete"),
    path("bindings/queue/", bindings.queue_named, name="queue_named"),
    # connections
    path("connections/", connections.connection_list, name="connection_list"),
    path("connections/one/", connections.connection_detail, name="connection_detail"),
    path("connections/close/", connections.connection_close, name="connection_close"),
    path("connections/close-all/", connections.connections_close, name="connections_close"),
    # channels
    path("channels/", channels.open_channel_list, name="open_channel_list"),
    path("channels/one/", channels.open_channel_detail, name="open_channel_detail"),
    # nodes
    # virtual hosts
    # users, permissions, limits
    # policies, parameters
    # shovels, federation
    # feature flags, deprecated features
]
