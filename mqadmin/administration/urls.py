"""Addresses of what a broker is made of besides its queues. Rows are addressed by names, behind the `?`."""

from __future__ import annotations

from django.urls import path

from mqadmin.administration.bindings import views as bindings
from mqadmin.administration.connections import channel_views
from mqadmin.administration.connections import views as connections
from mqadmin.administration.converting import views as converting
from mqadmin.administration.exchanges import flow_views
from mqadmin.administration.exchanges import views as exchanges
from mqadmin.administration.federation import views as federation
from mqadmin.administration.flags import views as flags
from mqadmin.administration.limits import views as limits
from mqadmin.administration.listed import choices, past
from mqadmin.administration.listed import views as listed
from mqadmin.administration.members import views as members
from mqadmin.administration.nodes import cluster_views
from mqadmin.administration.nodes import views as nodes
from mqadmin.administration.parameters import views as parameters
from mqadmin.administration.permissions import views as permissions
from mqadmin.administration.policies import views as policies
from mqadmin.administration.publishing import views as publishing
from mqadmin.administration.queues import views as queues
from mqadmin.administration.shovels import views as shovels
from mqadmin.administration.upkeep import views as upkeep
from mqadmin.administration.users import views as users
from mqadmin.administration.vhosts import views as vhosts

urlpatterns = [
    path("lists/<str:kind>/complete/", listed.list_complete, name="list_complete"),
    path("lists/<str:kind>/columns/", choices.list_columns, name="list_columns"),
    path("past/<str:kind>/", past.noun_past, name="noun_past"),
    # exchanges
    path("exchanges/", exchanges.exchange_list, name="exchange_list"),
    path("exchanges/one/", exchanges.exchange_detail, name="exchange_detail"),
    path("exchanges/flows/", flow_views.exchange_flow_list, name="exchange_flow_list"),
    path("exchanges/new/", exchanges.exchange_new, name="exchange_new"),
    path("exchanges/delete/", exchanges.exchange_delete, name="exchange_delete"),
    path("exchanges/publish/", publishing.exchange_publish, name="exchange_publish"),
    # bindings
    path("bindings/", bindings.binding_list, name="binding_list"),
    path("bindings/new/", bindings.binding_new, name="binding_new"),
    path("bindings/delete/", bindings.binding_delete, name="binding_delete"),
    path("bindings/queue/", bindings.queue_named, name="queue_named"),
    # queues
    path("queues/new/", queues.queue_new, name="queue_new"),
    path("queues/<int:queue_id>/delete/", queues.queue_delete, name="queue_delete"),
    path("queues/<int:queue_id>/bind/", queues.queue_bind, name="queue_bind"),
    # conversions
    path("queues/<int:queue_id>/convert/", converting.queue_convert, name="queue_convert"),
    path("queues/convert/", converting.queue_convert_named, name="queue_convert_named"),
    path("conversions/<int:operation_id>/", converting.conversion_detail, name="conversion_detail"),
    path("conversions/<int:operation_id>/go-on/", converting.conversion_go_on, name="conversion_go_on"),
    path("conversions/<int:operation_id>/undo/", converting.conversion_undo, name="conversion_undo"),
    # connections
    path("connections/", connections.connection_list, name="connection_list"),
    path("connections/one/", connections.connection_detail, name="connection_detail"),
    path("connections/close/", connections.connection_close, name="connection_close"),
    path("connections/close-all/", connections.connections_close, name="connections_close"),
    # channels
    path("channels/", channel_views.open_channel_list, name="open_channel_list"),
    path("channels/one/", channel_views.open_channel_detail, name="open_channel_detail"),
    # nodes
    path("nodes/", nodes.node_list, name="node_list"),
    path("nodes/one/", nodes.node_detail, name="node_detail"),
    path("nodes/stopping/", nodes.node_stopping, name="node_stopping"),
    path("nodes/checks/", nodes.node_checks, name="node_checks"),
    path("nodes/rebalance/", cluster_views.cluster_rebalance, name="cluster_rebalance"),
    path("nodes/reset/", cluster_views.cluster_reset, name="cluster_reset"),
    path("nodes/rename/", cluster_views.cluster_rename, name="cluster_rename"),
    path("nodes/grow/", members.node_grow, name="node_grow"),
    path("nodes/shrink/", members.node_shrink, name="node_shrink"),
    path("nodes/members/", members.queue_members, name="queue_members"),
    path("nodes/members/add/", members.member_add, name="member_add"),
    path("nodes/members/remove/", members.member_remove, name="member_remove"),
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
    path("feature-flags/", flags.flag_list, name="flag_list"),
    path("feature-flags/enable/", flags.flag_enable, name="flag_enable"),
    path("feature-flags/enable-all/", flags.flag_enable_all, name="flag_enable_all"),
    path("feature-flags/deprecated/", flags.deprecated_list, name="deprecated_list"),
    path("upgrade/", upkeep.upgrade, name="upgrade"),
]
