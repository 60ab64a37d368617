"""Addresses of what a broker is made of besides its queues. Rows are addressed by names, behind the `?`."""

from __future__ import annotations

from django.urls import path

from mqadmin.administration.views import (
    bindings,
    channels,
    connections,
    exchanges,
    limits,
    listed,
    permissions,
    publishing,
    users,
    vhosts,
)

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
    path("vhosts/", vhosts.vhost_list, name="vhost_list"),
    path("vhosts/one/", vhosts.vhost_detail, name="vhost_detail"),
    path("vhosts/new/", vhosts.vhost_new, name="vhost_new"),
    path("vhosts/edit/", vhosts.vhost_edit, name="vhost_edit"),
    path("vhosts/trace/", vhosts.vhost_trace, name="vhost_trace"),
    path("vhosts/protect/", vhosts.vhost_protect, name="vhost_protect"),
    path("vhosts/start/", vhosts.vhost_start, name="vhost_start"),
    path("vhosts/delete/", vhosts.vhost_delete, name="vhost_delete"),
    # users, permissions, limits
    path("users/", users.user_list, name="user_list"),
    path("users/one/", users.user_detail, name="user_detail"),
    path("users/new/", users.user_new, name="user_new"),
    path("users/tags/", users.user_tags, name="user_tags"),
    path("users/login/", users.user_login, name="user_login"),
    path("users/delete/", users.user_delete, name="user_delete"),
    path("permissions/", permissions.permission_list, name="permission_list"),
    path("permissions/set/", permissions.permission_set, name="permission_set"),
    path("permissions/clear/", permissions.permission_clear, name="permission_clear"),
    path("permissions/topics/", permissions.topic_permission_list, name="topic_permission_list"),
    path("permissions/topics/set/", permissions.topic_permission_set, name="topic_permission_set"),
    path("permissions/topics/clear/", permissions.topic_permission_clear, name="topic_permission_clear"),
    path("limits/", limits.limit_list, name="limit_list"),
    path("limits/set/", limits.limit_set, name="limit_set"),
    path("limits/clear/", limits.limit_clear, name="limit_clear"),
    # policies, parameters
    # shovels, federation
    # feature flags, deprecated features
]
