"""Addresses of what a broker is made of besides its queues. Rows are addressed by names, behind the `?`."""

from __future__ import annotations

from django.urls import path

from mqadmin.administration.views import bindings, cluster, exchanges, flags, listed, nodes

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
    # connections
    # channels
    # nodes
    path("nodes/", nodes.node_list, name="node_list"),
    path("nodes/one/", nodes.node_detail, name="node_detail"),
    path("nodes/stopping/", nodes.node_stopping, name="node_stopping"),
    path("nodes/checks/", nodes.node_checks, name="node_checks"),
    path("nodes/rebalance/", cluster.cluster_rebalance, name="cluster_rebalance"),
    path("nodes/reset/", cluster.cluster_reset, name="cluster_reset"),
    path("nodes/rename/", cluster.cluster_rename, name="cluster_rename"),
    path("nodes/grow/", cluster.node_grow, name="node_grow"),
    path("nodes/shrink/", cluster.node_shrink, name="node_shrink"),
    path("nodes/members/", cluster.queue_members, name="queue_members"),
    path("nodes/members/add/", cluster.member_add, name="member_add"),
    path("nodes/members/remove/", cluster.member_remove, name="member_remove"),
    # virtual hosts
    # users, permissions, limits
    # policies, parameters
    # shovels, federation
    # feature flags, deprecated features
    path("feature-flags/", flags.flag_list, name="flag_list"),
    path("feature-flags/enable/", flags.flag_enable, name="flag_enable"),
    path("feature-flags/enable-all/", flags.flag_enable_all, name="flag_enable_all"),
    path("feature-flags/deprecated/", flags.deprecated_list, name="deprecated_list"),
    path("upgrade/", flags.upgrade, name="upgrade"),
]
