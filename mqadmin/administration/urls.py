"""Addresses of what a broker is made of besides its queues. Rows are addressed by names, behind the `?`."""

from __future__ import annotations

from django.urls import path

from mqadmin.administration.views import (
    bindings,
    channels,
    connections,
    exchanges,
    federation,
    limits,
    listed,
    parameters,
    permissions,
    policies,
    publishing,
    shovels,
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
    path("policies/", policies.policy_list, name="policy_list"),
    path("policies/one/", policies.policy_detail, name="policy_detail"),
    path("policies/new/", policies.policy_new, name="policy_new"),
    path("policies/edit/", policies.policy_edit, name="policy_edit"),
    path("policies/delete/", policies.policy_delete, name="policy_delete"),
    path("policies/try/", policies.policy_try, name="policy_try"),
    path("parameters/", parameters.parameter_list, name="parameter_list"),
    path("parameters/new/", parameters.parameter_new, name="parameter_new"),
    path("parameters/edit/", parameters.parameter_edit, name="parameter_edit"),
    path("parameters/delete/", parameters.parameter_delete, name="parameter_delete"),
    # shovels, federation
    path("shovels/", shovels.shovel_list, name="shovel_list"),
    path("shovels/new/", shovels.shovel_new, name="shovel_new"),
    path("shovels/edit/", shovels.shovel_edit, name="shovel_edit"),
    path("shovels/delete/", shovels.shovel_delete, name="shovel_delete"),
    path("shovels/restart/", shovels.shovel_restart, name="shovel_restart"),
    path("federation/", federation.link_list, name="federation_link_list"),
    path("federation/restart/", federation.link_restart, name="federation_link_restart"),
    path("federation/upstreams/", federation.upstream_list, name="federation_upstream_list"),
    path("federation/upstreams/new/", federation.upstream_new, name="federation_upstream_new"),
    path("federation/upstreams/edit/", federation.upstream_edit, name="federation_upstream_edit"),
    path("federation/upstreams/delete/", federation.upstream_delete, name="federation_upstream_delete"),
    path("federation/sets/", federation.set_list, name="federation_set_list"),
    path("federation/sets/new/", federation.set_new, name="federation_set_new"),
    path("federation/sets/edit/", federation.set_edit, name="federation_set_edit"),
    path("federation/sets/delete/", federation.set_delete, name="federation_set_delete"),
    # feature flags, deprecated features
]
