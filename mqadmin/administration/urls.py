"""Addresses of what a broker is made of besides its queues. Rows are addressed by names, behind the `?`."""

from __future__ import annotations

from django.urls import path

from mqadmin.administration.views import (
    bindings,
    exchanges,
    federation,
    listed,
    parameters,
    policies,
    shovels,
)

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
    # virtual hosts
    # users, permissions, limits
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
