"""Who may open what: every page and every call of the API, for everybody. What is not listed here fails."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from mqadmin.alerts.models import Incident
from mqadmin.alerts.telling import links
from mqadmin.api import api
from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry, Grant, Operation, Restored, WallToken
from mqadmin.deadletters.models import RetryRule, SavedView
from mqadmin.definitions.models import Version
from mqadmin.queues.models import Broker, Queue, SavedQueueView, Standing
from tests.alerts.factories import make_channel, make_incident, make_rule, make_silence
from tests.approvals.factories import make_approval
from tests.core.conftest import SignIn, make_user
from tests.deadletters.factories import letter
from tests.passing.factories import make_seen
from tests.support import described
from tests.support.consumers import make_consumer, make_process, make_record, make_supervisor
from tests.support.several_brokers import NUMBERS, TWO_WILL_DO, number_of_brokers  # noqa: F401

pytestmark = pytest.mark.usefixtures("no_broker")

# Each may what the ones before it may. "" is signed in, but has no role yet.
RANKS = ["anonymous", "", "viewer", "operator", "admin"]
EVERYBODY, SIGNED_IN, VIEWER, OPERATOR, ADMIN = RANKS
# What an admin opens is opened on each database, where there are two brokers: it is everything, of each of them.
# Who else may is decided without one. With one broker an admin opens, and sends to, all of it in test_base_path.py.
EACH = pytest.mark.parametrize(
    ("number_of_brokers", "who"),
    [
        pytest.param(
            number,
            who,
            id=f"{name}-{who or 'no-role'}",
            marks=[] if who == ADMIN and number == 2 else pytest.mark.any_database,
        )
        for who in RANKS
        for name, number in NUMBERS.items()
    ],
    indirect=["number_of_brokers"],
)

# The name of each page: who may open it (GET; None: nobody), who may send to it (POST).
PAGES: dict[str, tuple[str | None, str | None]] = {
    "healthz": (EVERYBODY, None),
    "metrics": (VIEWER, None),
    "login": (EVERYBODY, EVERYBODY),
    "theme": (None, EVERYBODY),
    "language": (None, EVERYBODY),
    "logout": (None, SIGNED_IN),
    "password_change": (SIGNED_IN, SIGNED_IN),
    "password_change_done": (SIGNED_IN, None),
    "live": (VIEWER, None),
    "find": (VIEWER, None),
    "operation_list": (VIEWER, None),
    "operation_detail": (VIEWER, None),
    "operation_pause": (None, OPERATOR),
    "operation_resume": (None, OPERATOR),
    "operation_cancel": (None, OPERATOR),
    "audit_list": (VIEWER, None),
    "restored_dismiss": (None, OPERATOR),
    "wall": (VIEWER, None),  # or a link: tests/queues/views/test_wall.py
    "wall_open": (EVERYBODY, None),
    "wall_links": (ADMIN, ADMIN),
    "wall_revoke": (None, ADMIN),
    "overview": (VIEWER, None),
    "overview_rates": (VIEWER, None),
    "queue_list": (VIEWER, None),
    "queue_columns": (None, VIEWER),
    "queue_detail": (VIEWER, None),
    "queue_lengths": (VIEWER, None),
    "queue_rates": (VIEWER, None),
    "queue_waits": (VIEWER, None),
    "queue_export_csv": (VIEWER, None),
    "queue_export_json": (VIEWER, None),
    "queues_purge": (OPERATOR, OPERATOR),
    "queues_delete": (ADMIN, ADMIN),
    "queues_mute": (OPERATOR, OPERATOR),
    "queues_owner": (OPERATOR, OPERATOR),
    "queues_track": (ADMIN, ADMIN),
    "queue_complete": (VIEWER, None),
    "queue_view_save": (None, VIEWER),
    "queue_view_delete": (None, ADMIN),
    "queue_settle": (OPERATOR, OPERATOR),
    "queue_mute": (None, OPERATOR),
    "standing_list": (VIEWER, None),
    "standing_new": (OPERATOR, OPERATOR),
    "standing_edit": (OPERATOR, OPERATOR),
    "standing_move": (None, OPERATOR),
    "standing_delete": (None, OPERATOR),
    "tap_list": (VIEWER, None),
    "tap_new": (OPERATOR, OPERATOR),
    "tap_detail": (OPERATOR, None),
    "tap_message": (OPERATOR, None),
    "tap_stop": (None, OPERATOR),
    "tap_keep": (OPERATOR, OPERATOR),
    "tap_let_go": (None, OPERATOR),
    "tap_replay": (OPERATOR, OPERATOR),
    "journey": (VIEWER, None),
    "queue_peek": (None, OPERATOR),
    "queue_publish": (OPERATOR, OPERATOR),
    "queue_purge": (OPERATOR, OPERATOR),
    "queue_move": (OPERATOR, OPERATOR),
    "letter_export": (OPERATOR, None),
    "letter_import": (OPERATOR, OPERATOR),
    "letters_edit": (OPERATOR, OPERATOR),
    "letters_automatic": (VIEWER, None),
    "rule_save": (None, ADMIN),
    "rule_delete": (None, ADMIN),
    "breaker_save": (None, ADMIN),
    "queue_restore": (None, OPERATOR),
    "consumer_list": (VIEWER, None),
    "consumer_deadline": (ADMIN, None),
    "consumer_summary": (None, ADMIN),
    "consumer_fill": (None, ADMIN),
    "consumer_queues": (ADMIN, None),
    "consumer_vhosts": (ADMIN, None),
    "consumer_new": (ADMIN, ADMIN),
    "consumer_stop_all": (OPERATOR, OPERATOR),
    "consumer_start_all": (OPERATOR, OPERATOR),
    "host_list": (VIEWER, None),
    "host_drain": (None, ADMIN),
    "host_undrain": (None, ADMIN),
    "host_forget": (None, ADMIN),
    "record_detail": (VIEWER, None),
    "record_requeue": (None, OPERATOR),
    "process_output": (VIEWER, None),
    "process_download": (VIEWER, None),
    "process_start": (None, OPERATOR),
    "process_restart": (None, OPERATOR),
    "process_kill": (None, OPERATOR),
    "consumer_detail": (VIEWER, None),
    "consumer_history": (VIEWER, None),
    "consumer_scaling": (VIEWER, None),
    "record_list": (VIEWER, None),
    "consumer_try": (OPERATOR, OPERATOR),
    "consumer_edit": (ADMIN, ADMIN),
    "consumer_duplicate": (ADMIN, ADMIN),
    "consumer_export": (VIEWER, None),
    "consumer_import": (ADMIN, ADMIN),
    "consumer_delete": (None, ADMIN),
    "consumer_scale": (None, OPERATOR),
    "consumer_start": (None, OPERATOR),
    "consumer_stop": (None, OPERATOR),
    "consumer_pause": (None, OPERATOR),
    "consumer_resume": (None, OPERATOR),
    "consumer_restart": (None, OPERATOR),
    "consumer_redeliver": (None, OPERATOR),
    "consumer_kill": (None, OPERATOR),
    "letter_list": (VIEWER, None),
    "letter_map": (VIEWER, None),
    "letter_complete": (VIEWER, None),
    "view_save": (None, VIEWER),
    "view_delete": (None, ADMIN),
    "letter_reveal": (None, OPERATOR),
    "cause_detail": (VIEWER, None),
    "cause_history": (VIEWER, None),
    "cause_owner": (None, OPERATOR),
    "letter_detail": (VIEWER, None),
    "letter_body": (VIEWER, None),
    "letter_requeue": (OPERATOR, OPERATOR),
    "letter_discard": (OPERATOR, OPERATOR),
    "letter_restore": (OPERATOR, OPERATOR),
    "letter_edit": (OPERATOR, OPERATOR),
    "letter_revert": (None, OPERATOR),
    "letter_note": (None, OPERATOR),
    "cause_note": (None, OPERATOR),
    "queue_track": (None, ADMIN),
    "queue_untrack": (None, ADMIN),
    "incident_list": (VIEWER, None),
    "incident_detail": (VIEWER, None),
    "incident_acknowledge": (None, OPERATOR),
    "incident_reopen": (None, OPERATOR),
    "incident_snooze": (None, OPERATOR),
    "incident_wake": (None, OPERATOR),
    "incident_link": (EVERYBODY, EVERYBODY),  # who has the link of a message
    "alert_rule_list": (VIEWER, None),
    "alert_rule_new": (ADMIN, ADMIN),
    "alert_rule_preview": (ADMIN, None),
    "alert_rule_edit": (ADMIN, ADMIN),
    "alert_rule_switch": (None, ADMIN),
    "alert_rule_restore": (None, ADMIN),
    "alert_rule_delete": (None, ADMIN),
    "channel_list": (VIEWER, None),
    "channel_new": (ADMIN, ADMIN),
    "channel_edit": (ADMIN, ADMIN),
    "channel_switch": (None, ADMIN),
    "channel_test": (None, ADMIN),
    "channel_delete": (None, ADMIN),
    "silence_list": (VIEWER, None),
    "silence_new": (OPERATOR, OPERATOR),
    "silence_end": (None, OPERATOR),
    "delivery_list": (VIEWER, None),
    "definitions_list": (VIEWER, None),
    "definitions_look": (None, OPERATOR),
    "definitions_compare": (VIEWER, None),
    "definitions_export": (VIEWER, None),
    "definitions_download": (VIEWER, None),
    "definitions_download_all": (None, ADMIN),
    "definitions_import": (ADMIN, ADMIN),
    "definitions_version": (VIEWER, None),
    "definitions_restore": (ADMIN, ADMIN),
    "definitions_restored": (VIEWER, None),
    "list_complete": (VIEWER, None),
    "list_columns": (None, VIEWER),
    "noun_past": (VIEWER, None),
    # exchanges
    "exchange_list": (VIEWER, None),
    "exchange_detail": (VIEWER, None),
    "exchange_flow_list": (VIEWER, None),
    "exchange_new": (ADMIN, ADMIN),
    "exchange_delete": (ADMIN, ADMIN),
    # queues
    "queue_new": (ADMIN, ADMIN),
    "queue_delete": (ADMIN, ADMIN),
    "queue_bind": (ADMIN, ADMIN),
    "queue_convert": (ADMIN, ADMIN),
    "queue_convert_named": (ADMIN, None),
    "conversion_detail": (VIEWER, None),
    "conversion_go_on": (None, ADMIN),
    "conversion_undo": (ADMIN, ADMIN),
    # bindings
    "binding_list": (VIEWER, None),
    "exchange_publish": (OPERATOR, OPERATOR),
    "binding_new": (ADMIN, ADMIN),
    "binding_delete": (ADMIN, ADMIN),
    # connections
    "connection_list": (VIEWER, None),
    "connection_detail": (VIEWER, None),
    "connection_close": (OPERATOR, OPERATOR),
    "connections_close": (OPERATOR, OPERATOR),
    # channels
    "open_channel_list": (VIEWER, None),
    "open_channel_detail": (VIEWER, None),
    "queue_named": (VIEWER, None),
    # connections
    # channels
    # nodes
    "node_list": (VIEWER, None),
    "node_detail": (VIEWER, None),
    "node_stopping": (VIEWER, None),
    "node_checks": (VIEWER, None),
    "cluster_rebalance": (ADMIN, ADMIN),
    "cluster_reset": (ADMIN, ADMIN),
    "cluster_rename": (ADMIN, ADMIN),
    "node_grow": (ADMIN, ADMIN),
    "node_shrink": (ADMIN, ADMIN),
    "queue_members": (VIEWER, None),
    "member_add": (ADMIN, ADMIN),
    "member_remove": (ADMIN, ADMIN),
    # virtual hosts
    "vhost_list": (VIEWER, None),
    "vhost_detail": (VIEWER, None),
    "vhost_new": (ADMIN, ADMIN),
    "vhost_edit": (ADMIN, ADMIN),
    "vhost_trace": (ADMIN, ADMIN),
    "vhost_protect": (ADMIN, ADMIN),
    "vhost_start": (ADMIN, ADMIN),
    "vhost_delete": (ADMIN, ADMIN),
    # users, permissions, limits
    "user_list": (VIEWER, None),
    "user_detail": (VIEWER, None),
    "user_new": (ADMIN, ADMIN),
    "user_tags": (ADMIN, ADMIN),
    "user_login": (ADMIN, ADMIN),
    "user_delete": (ADMIN, ADMIN),
    "permission_list": (VIEWER, None),
    "permission_set": (ADMIN, ADMIN),
    "permission_clear": (ADMIN, ADMIN),
    "topic_permission_list": (VIEWER, None),
    "topic_permission_set": (ADMIN, ADMIN),
    "topic_permission_clear": (ADMIN, ADMIN),
    "limit_list": (VIEWER, None),
    "limit_set": (ADMIN, ADMIN),
    "limit_clear": (ADMIN, ADMIN),
    # policies, parameters
    "policy_list": (VIEWER, None),
    "policy_detail": (VIEWER, None),
    "policy_new": (ADMIN, ADMIN),
    "policy_edit": (ADMIN, ADMIN),
    "policy_delete": (ADMIN, ADMIN),
    "policy_try": (VIEWER, None),
    "parameter_list": (VIEWER, None),
    "parameter_new": (ADMIN, ADMIN),
    "parameter_edit": (ADMIN, ADMIN),
    "parameter_delete": (ADMIN, ADMIN),
    # shovels, federation
    "shovel_list": (VIEWER, None),
    "shovel_new": (ADMIN, ADMIN),
    "shovel_edit": (ADMIN, ADMIN),
    "shovel_delete": (ADMIN, ADMIN),
    "shovel_restart": (OPERATOR, OPERATOR),
    "federation_link_list": (VIEWER, None),
    "federation_link_restart": (OPERATOR, OPERATOR),
    "federation_upstream_list": (VIEWER, None),
    "federation_upstream_new": (ADMIN, ADMIN),
    "federation_upstream_edit": (ADMIN, ADMIN),
    "federation_upstream_delete": (ADMIN, ADMIN),
    "federation_set_list": (VIEWER, None),
    "federation_set_new": (ADMIN, ADMIN),
    "federation_set_edit": (ADMIN, ADMIN),
    "federation_set_delete": (ADMIN, ADMIN),
    # feature flags, deprecated features
    "flag_list": (VIEWER, None),
    "flag_enable": (ADMIN, ADMIN),
    "flag_enable_all": (ADMIN, ADMIN),
    "deprecated_list": (VIEWER, None),
    "upgrade": (VIEWER, None),
    # accounts, tokens
    "role_list": (ADMIN, None),
    "role_new": (ADMIN, ADMIN),
    "role_edit": (ADMIN, ADMIN),
    "role_delete": (None, ADMIN),
    "account_roles": (None, ADMIN),
    "access": (ADMIN, None),
    "account_list": (ADMIN, None),
    "account_new": (ADMIN, ADMIN),
    "account_detail": (ADMIN, None),
    "account_role": (None, ADMIN),
    "account_switch": (None, ADMIN),
    "account_password": (ADMIN, ADMIN),
    "account_sign_out": (None, ADMIN),
    "account_second_factor": (None, ADMIN),
    "account_unlock": (None, ADMIN),
    "account_leave": (None, ADMIN),
    "account_token_revoke": (None, ADMIN),
    # acts that wait; an act that takes more takes more to agree to: tests/approvals/test_deciding.py
    "approval_list": (VIEWER, None),
    "approval_detail": (VIEWER, None),
    "approval_approve": (None, OPERATOR),
    "approval_alone": (None, OPERATOR),
    "approval_refuse": (None, OPERATOR),
    "approval_take_back": (None, OPERATOR),
    "token_list": (VIEWER, VIEWER),
    "token_revoke": (None, VIEWER),
    # signing on, second factors
    "provider_begin": (EVERYBODY, None),
    "provider_back": (EVERYBODY, None),
    "second_factor": (EVERYBODY, EVERYBODY),
    "passkey_sign_in": (None, EVERYBODY),
    "passkey_asked": (EVERYBODY, None),
    "two_factor": (SIGNED_IN, None),
    "two_factor_confirm": (SIGNED_IN, SIGNED_IN),
    "two_factor_app": (SIGNED_IN, SIGNED_IN),
    "two_factor_key": (None, SIGNED_IN),
    "two_factor_key_asked": (SIGNED_IN, None),
    "two_factor_codes": (None, SIGNED_IN),
    "two_factor_remove": (None, SIGNED_IN),
}

# Each call of the API: who may make it. The two that describe the API are open to whoever signed in.
DESCRIPTIONS = {"openapi-json", "openapi-view"}
CALLS = {
    "GET /operations": VIEWER,
    "GET /operations/{operation_id}": VIEWER,
    "POST /operations/{operation_id}/cancel": OPERATOR,
    "POST /operations/{operation_id}/pause": OPERATOR,
    "POST /operations/{operation_id}/resume": OPERATOR,
    "GET /audit": VIEWER,
    "GET /restored": VIEWER,
    "POST /restored/{restored_id}/dismiss": OPERATOR,
    "GET /brokers": VIEWER,
    "GET /brokers/{slug}/history": VIEWER,
    "GET /marks": VIEWER,
    "POST /marks": OPERATOR,
    "GET /queues": VIEWER,
    "GET /queues/{queue_id}": VIEWER,
    "PATCH /queues/{queue_id}": OPERATOR,
    "GET /queues/export": VIEWER,
    "POST /queues/purge": OPERATOR,
    "POST /queues/delete": ADMIN,
    "POST /queues/settle": OPERATOR,
    "POST /queues/track": ADMIN,
    "GET /queues/views": VIEWER,
    "POST /queues/views": VIEWER,
    "DELETE /queues/views/{view_id}": ADMIN,  # a shared one; one's own anybody may
    "GET /dead-letters/views": VIEWER,
    "POST /dead-letters/views": VIEWER,
    "DELETE /dead-letters/views/{view_id}": ADMIN,
    "GET /queue-rules": VIEWER,
    "POST /queue-rules": OPERATOR,
    "PUT /queue-rules/{standing_id}": OPERATOR,
    "POST /queue-rules/{standing_id}/move": OPERATOR,
    "DELETE /queue-rules/{standing_id}": OPERATOR,
    "GET /queues/{queue_id}/history": VIEWER,
    "GET /queues/{queue_id}/why": VIEWER,
    "GET /queues/{queue_id}/before": VIEWER,
    "POST /queues/{queue_id}/publish": OPERATOR,
    "POST /queues/{queue_id}/peek": OPERATOR,
    "POST /queues/{queue_id}/purge": OPERATOR,
    "POST /queues/{queue_id}/move": OPERATOR,
    "GET /dead-letters/export": OPERATOR,
    "POST /dead-letters/export": OPERATOR,
    "POST /dead-letters/import": OPERATOR,
    "POST /dead-letters/edit": OPERATOR,
    "GET /retry-rules": VIEWER,
    "POST /retry-rules": ADMIN,
    "DELETE /retry-rules/{rule_id}": ADMIN,
    "GET /breakers": VIEWER,
    "POST /consumers/{name}/breaker": ADMIN,
    "POST /operations/{operation_id}/restore": OPERATOR,
    "POST /queues/{queue_id}/track": ADMIN,
    "POST /queues/{queue_id}/untrack": ADMIN,
    "GET /handlers": VIEWER,
    "GET /consumers": VIEWER,
    "POST /consumers": ADMIN,
    "GET /consumer-presets": VIEWER,
    "GET /consumer-files/export": VIEWER,
    "GET /consumer-files/drift": VIEWER,
    "POST /consumer-files/import": ADMIN,
    "POST /consumer-summary": ADMIN,
    "POST /consumers/stop-all": OPERATOR,
    "POST /consumers/start-all": OPERATOR,
    "GET /hosts": VIEWER,
    "POST /hosts/{name}/drain": ADMIN,
    "POST /hosts/{name}/undrain": ADMIN,
    "DELETE /hosts/{name}": ADMIN,
    "GET /consumers/{name}": VIEWER,
    "GET /consumers/{name}/history": VIEWER,
    "PATCH /consumers/{name}": ADMIN,
    "DELETE /consumers/{name}": ADMIN,
    "POST /consumers/{name}/duplicate": ADMIN,
    "POST /consumers/{name}/start": OPERATOR,
    "POST /consumers/{name}/stop": OPERATOR,
    "POST /consumers/{name}/pause": OPERATOR,
    "POST /consumers/{name}/resume": OPERATOR,
    "POST /consumers/{name}/restart": OPERATOR,
    "POST /consumers/{name}/redeliver": OPERATOR,
    "POST /consumers/{name}/kill": OPERATOR,
    "POST /consumers/{name}/scale": OPERATOR,
    "POST /consumers/{name}/try": OPERATOR,
    "GET /consumers/{name}/processes": VIEWER,
    "GET /processes/{process_id}/output": VIEWER,
    "GET /records": VIEWER,
    "GET /records/{record_id}": VIEWER,
    "POST /records/{record_id}/requeue": OPERATOR,
    "GET /dead-letters": VIEWER,
    "GET /dead-letters/groups": VIEWER,
    "GET /dead-letters/{letter_id}": VIEWER,
    "GET /dead-letters/groups/{group}/history": VIEWER,
    "PATCH /dead-letters/groups/{group}": OPERATOR,
    "POST /dead-letters/{letter_id}/reveal": OPERATOR,
    "PATCH /dead-letters/{letter_id}": OPERATOR,
    "POST /dead-letters/{letter_id}/revert": OPERATOR,
    "POST /dead-letters/requeue": OPERATOR,
    "POST /dead-letters/discard": OPERATOR,
    "POST /dead-letters/restore": OPERATOR,
    "GET /alerts": VIEWER,
    "GET /alerts/{incident_id}": VIEWER,
    "POST /alerts/{incident_id}/acknowledge": OPERATOR,
    "POST /alerts/{incident_id}/reopen": OPERATOR,
    "POST /alerts/{incident_id}/snooze": OPERATOR,
    "POST /alerts/{incident_id}/wake": OPERATOR,
    "GET /alert-rules": VIEWER,
    "POST /alert-rules": ADMIN,
    "POST /alert-rules/preview": ADMIN,
    "PATCH /alert-rules/{rule_id}": ADMIN,
    "POST /alert-rules/{rule_id}/restore": ADMIN,
    "DELETE /alert-rules/{rule_id}": ADMIN,
    "GET /alert-channels": VIEWER,
    "POST /alert-channels": ADMIN,
    "PATCH /alert-channels/{channel_id}": ADMIN,
    "POST /alert-channels/{channel_id}/test": ADMIN,
    "DELETE /alert-channels/{channel_id}": ADMIN,
    "GET /silences": VIEWER,
    "POST /silences": OPERATOR,
    "DELETE /silences/{silence_id}": OPERATOR,
    "GET /alert-deliveries": VIEWER,
    "GET /taps": VIEWER,
    "POST /taps": OPERATOR,
    "GET /taps/{tap_id}": VIEWER,
    "GET /taps/{tap_id}/messages": OPERATOR,
    "POST /taps/{tap_id}/stop": OPERATOR,
    "POST /taps/{tap_id}/keep": OPERATOR,
    "POST /taps/{tap_id}/replay": OPERATOR,
    "GET /journey": VIEWER,
    "GET /definitions": VIEWER,
    "GET /definitions/now": VIEWER,
    "GET /definitions/diff": VIEWER,
    "GET /definitions/{version_id}": VIEWER,
    "POST /definitions/{version_id}/restore": ADMIN,
    "GET /definitions/restores/{restore_id}": VIEWER,
    "POST /definitions/export": ADMIN,
    "POST /definitions/import": ADMIN,
    # exchanges
    "GET /exchanges": VIEWER,
    "GET /exchanges/flows": VIEWER,
    "POST /exchanges": ADMIN,
    "DELETE /exchanges": ADMIN,
    "POST /exchanges/publish": OPERATOR,
    # queues
    "POST /queues": ADMIN,
    "DELETE /queues/{queue_id}": ADMIN,
    "POST /queues/{queue_id}/convert": ADMIN,
    "GET /conversions/{operation_id}": VIEWER,
    "POST /conversions/{operation_id}/undo": ADMIN,
    "POST /conversions/{operation_id}/go-on": ADMIN,
    # bindings
    "GET /bindings": VIEWER,
    "POST /bindings": ADMIN,
    "DELETE /bindings": ADMIN,
    # connections
    "GET /connections": VIEWER,
    "GET /connections/one": VIEWER,
    "DELETE /connections": OPERATOR,
    # channels
    "GET /open-channels": VIEWER,
    "GET /open-channels/one": VIEWER,
    # connections
    # channels
    # nodes
    "GET /nodes": VIEWER,
    "GET /nodes/stopping": VIEWER,
    "GET /nodes/checks": VIEWER,
    "POST /nodes/rebalance": ADMIN,
    "DELETE /nodes/statistics": ADMIN,
    "PUT /cluster-name": ADMIN,
    "POST /nodes/grow": ADMIN,
    "POST /nodes/shrink": ADMIN,
    "POST /quorum-members": ADMIN,
    "DELETE /quorum-members": ADMIN,
    # virtual hosts
    "GET /vhosts": VIEWER,
    "POST /vhosts": ADMIN,
    "PATCH /vhosts": ADMIN,
    "POST /vhosts/start": ADMIN,
    "DELETE /vhosts": ADMIN,
    # users, permissions, limits
    "GET /users": VIEWER,
    "POST /users": ADMIN,
    "PUT /users/tags": ADMIN,
    "PUT /users/login": ADMIN,
    "DELETE /users": ADMIN,
    "GET /permissions": VIEWER,
    "PUT /permissions": ADMIN,
    "DELETE /permissions": ADMIN,
    "GET /topic-permissions": VIEWER,
    "PUT /topic-permissions": ADMIN,
    "DELETE /topic-permissions": ADMIN,
    "GET /limits": VIEWER,
    "PUT /limits": ADMIN,
    "DELETE /limits": ADMIN,
    # policies, parameters
    "GET /policies": VIEWER,
    "GET /policies/matching": VIEWER,
    "PUT /policies": ADMIN,
    "DELETE /policies": ADMIN,
    "GET /parameters": VIEWER,
    "PUT /parameters": ADMIN,
    "DELETE /parameters": ADMIN,
    # shovels, federation
    "GET /shovels": VIEWER,
    "PUT /shovels": ADMIN,
    "DELETE /shovels": ADMIN,
    "POST /shovels/restart": OPERATOR,
    "GET /federation/links": VIEWER,
    "POST /federation/links/restart": OPERATOR,
    "GET /federation/upstreams": VIEWER,
    "PUT /federation/upstreams": ADMIN,
    "DELETE /federation/upstreams": ADMIN,
    "GET /federation/sets": VIEWER,
    "PUT /federation/sets": ADMIN,
    "DELETE /federation/sets": ADMIN,
    # feature flags, deprecated features
    "GET /feature-flags": VIEWER,
    "POST /feature-flags/enable": ADMIN,
    "POST /feature-flags/enable-all": ADMIN,
    "GET /deprecated-features": VIEWER,
    "GET /upgrade": VIEWER,
    # accounts, tokens
    "GET /me": VIEWER,
    "GET /roles": ADMIN,
    "POST /roles": ADMIN,
    "PUT /roles/{role_id}": ADMIN,
    "DELETE /roles/{role_id}": ADMIN,
    "GET /access": ADMIN,
    "GET /accounts": ADMIN,
    "POST /accounts": ADMIN,
    "GET /accounts/{account_id}": ADMIN,
    "PATCH /accounts/{account_id}": ADMIN,
    "POST /accounts/{account_id}/password": ADMIN,
    "POST /accounts/{account_id}/sign-out": ADMIN,
    "POST /accounts/{account_id}/second-factors/take-away": ADMIN,
    "POST /accounts/{account_id}/unlock": ADMIN,
    "POST /accounts/{account_id}/leave-to-sign-on": ADMIN,
    "GET /approvals": VIEWER,
    "GET /approvals/{approval_id}": VIEWER,
    "POST /approvals/{approval_id}/approve": OPERATOR,
    "POST /approvals/{approval_id}/refuse": OPERATOR,
    "POST /approvals/{approval_id}/take-back": OPERATOR,
    "POST /approvals/{approval_id}/alone": OPERATOR,
    "GET /tokens": VIEWER,
    "POST /tokens": ADMIN,
    "DELETE /tokens/{token_id}": VIEWER,  # itself; any other an admin
}
BODIES: dict[str, dict[str, Any]] = {
    "POST /consumers": {"name": "made", "queue": "orders", "handler": "record"},
    "POST /consumers/{name}/scale": {"replicas": 1},
    "POST /marks": {"title": "shop 4.2"},
    "POST /taps/{tap_id}/keep": {"title": "of monday"},
    "POST /taps/{tap_id}/replay": {"to_queue": "test"},
    "POST /queues/views": {"name": "one's own", "query": "q=orders"},
    "POST /dead-letters/views": {"name": "one's own", "query": "q=orders"},
    "POST /queue-rules": {"name": "a rule", "query": "name:orders*", "owner": "team-a"},
    "POST /queue-rules/{standing_id}/move": {"to": "up"},
    "POST /accounts": {"name": "made"},
    "POST /tokens": {"name": "nightly report"},
    "POST /approvals/{approval_id}/approve": {"version": 1},
    "POST /approvals/{approval_id}/refuse": {"reason": "not now"},
    "POST /approvals/{approval_id}/alone": {"version": 1, "reason": "nobody else is awake"},
    "POST /roles": {"name": "shop", "rules": [{"broker": "default"}]},
    "PUT /roles/{role_id}": {"name": "bank", "rules": [{"broker": "default"}]},
    "PUT /queue-rules/{standing_id}": {"name": "all", "query": "name:*", "owner": "team-a"},
    "POST /consumers/stop-all": {"expect": 0},
    "POST /consumers/start-all": {"expect": 0},
}


@dataclass(frozen=True)
class World:
    """One row of everything that an address can name."""

    queue: int
    operation: int
    letter: int
    consumer: str
    record: int
    process: int
    rule: int
    view: int
    wall: int
    standing: int
    incident: int
    alert_rule: int
    channel: int
    silence: int
    version: int
    restore: int
    restored: int
    tap: int
    seen: int
    account: int
    token: int
    approval: int
    role: int
    factor: int

    def argument(self, route: str, name: str) -> int | str:
        """Return what stands for the argument `name` of an address."""
        if name == "pk":
            return self.record if "records/" in route else self.process
        if name == "rule_id" and "alert" in route:
            return self.alert_rule
        values = {
            "queue_id": self.queue,
            "operation_id": self.operation,
            "letter_id": self.letter,
            "name": self.consumer,
            "slug": "default",
            "kind": "exchanges",
            "record_id": self.record,
            "process_id": self.process,
            "rule_id": self.rule,
            "view_id": self.view,
            "standing_id": self.standing,
            "group": "0" * 16,
            "wall_id": self.wall,
            "incident_id": self.incident,
            "channel_id": self.channel,
            "silence_id": self.silence,
            "version_id": self.version,
            "restore_id": self.restore,
            "restored_id": self.restored,
            "tap_id": self.tap,
            "message_id": self.seen,
            "user_id": self.account,
            "account_id": self.account,
            "token_id": self.token,
            "approval_id": self.approval,
            "role_id": self.role,
            "factor_id": self.factor,
            "token": "mqw_nobodys" if "wall" in route else links.token(Incident(pk=self.incident)),
        }
        return values[name]


@pytest.fixture
def world(db: None) -> World:
    broker = Broker.objects.create(slug="default")
    consumer = make_consumer()
    record, process = make_record(consumer), make_process(consumer)
    make_supervisor(consumer.name)  # a host by the same name: an address tells them apart
    view = SavedView.objects.create(name="all", query="", by="ann").pk
    SavedQueueView.objects.create(pk=view, name="all", query="", by="ann")
    seen = make_seen()
    other = User.objects.create_user("eve")
    return World(
        queue=Queue.objects.create(broker=broker, vhost="/", name="orders").pk,
        operation=Operation.objects.create(kind="queues.purge", created_by="ann").pk,
        letter=letter().pk,
        consumer=consumer.name,
        record=record.pk,
        process=process.pk,
        rule=RetryRule.objects.create(broker="default", group="0" * 16, changed_by="ann").pk,
        # Everybody's: an admin alone deletes it. One's own anybody may.
        view=view,
        standing=Standing.objects.create(name="all", query="name:*", owner="team-a", by="ann").pk,
        wall=WallToken.objects.create(user=make_user("admin"), name="kitchen", digest="0" * 64).pk,
        incident=make_incident().pk,
        alert_rule=make_rule().pk,
        channel=make_channel().pk,
        silence=make_silence().pk,
        version=Version.objects.create(broker="default", at=timezone.now()).pk,
        restore=Operation.objects.create(kind="definitions.restore", created_by="ann").pk,
        restored=Restored.objects.create(taken_at=timezone.now(), by="ann").pk,
        tap=seen.tap_id,
        seen=seen.pk,
        account=other.pk,
        token=tokens.make(user=other)[0].pk,
        approval=make_approval().pk,
        role=Grant.objects.create(
            group=Group.objects.create(name="shop team"), vhost="shop", level=2
        ).group_id,
        factor=Authenticator.objects.create(
            user=other, type=Authenticator.Type.WEBAUTHN, data={"name": "key"}
        ).pk,
    )


@dataclass(frozen=True)
class Page:
    """An address of a page: its name, and itself with arguments that exist."""

    name: str
    route: str
    arguments: tuple[str, ...]

    def address(self, world: World) -> str:
        return reverse(
            self.name, kwargs={name: world.argument(self.route, name) for name in self.arguments} or None
        )


def pages(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[Page]:
    for item in patterns:
        route = prefix + str(item.pattern)
        if isinstance(item, URLPattern):
            yield Page(item.name or f"unnamed: {route}", route, tuple(item.pattern.converters))
        elif item.namespace != "api":
            yield from pages(item.url_patterns, route)


def everything() -> list[Page]:
    return list(pages(get_resolver().url_patterns))


def calls() -> list[str]:
    return [f"{method.upper()} {path}" for path, methods in described.paths().items() for method in methods]


def may(who: str, needed: str) -> bool:
    return RANKS.index(who) >= RANKS.index(needed)


@TWO_WILL_DO
def test_every_address_is_listed_here() -> None:
    assert {page.name for page in everything()} == set(PAGES)
    assert len(everything()) == len(PAGES)
    assert sorted(calls()) == sorted(CALLS)
    functions = _functions()
    beside = [item.name for item in api.urls[0] if item.name and item.name not in functions]
    assert set(beside) == DESCRIPTIONS | {"api-root"}


def _functions() -> set[str]:
    return {
        call["operationId"].rsplit("_api_", 1)[-1]
        for path in described.paths().values()
        for call in path.values()
    }


def browser(who: str, sign_in: SignIn, **options: bool) -> Client:
    return Client(**options) if who == EVERYBODY else sign_in(who, **options)


@EACH
@pytest.mark.parametrize("method", ["get", "post"])
def test_pages(who: str, method: str, sign_in: SignIn, world: World) -> None:
    """Who may, may; who may not is told so; and opening a page changes nothing."""
    wrong: list[tuple[Any, ...]] = []
    for page in everything():
        needed = PAGES[page.name][0 if method == "get" else 1]
        client = browser(who, sign_in)
        with _statements(is_asked=method == "get" and who == ADMIN) as statements:
            response = getattr(client, method)(page.address(world))
        if page.name != "wall_open":  # one that opens nothing is told of
            wrong += [(page.name, text) for text in statements if _writes(text)]
        found = _answer(response)
        if needed is None:  # whether one is asked for a role first, or told that it cannot be done at all
            expected = {"signs in", "refused", "method"}
        elif may(who, needed):
            expected = {"allowed"}
        else:
            expected = {"signs in" if who == EVERYBODY else "refused"}
        if found not in expected:
            wrong.append((page.name, response.status_code, response.get("Location")))
    assert wrong == []


def _answer(response: Any) -> str:
    if response.status_code == 302 and response["Location"].startswith("/login/?next="):
        return "signs in"
    answers = {403: "refused", 405: "method", 401: "signs in", 500: "broken"}
    return answers.get(response.status_code, "allowed")


@EACH
def test_calls_of_the_api(who: str, world: World) -> None:
    headers = {"Authorization": "Bearer mqa_nobody's"}
    if who != EVERYBODY:
        headers["Authorization"] = f"Bearer {tokens.create(user=make_user(who))}"
    wrong = []
    for name in sorted(CALLS, key=lambda name: name.startswith("DELETE")):
        response = call(name, world, headers)
        expected = "signs in" if who == EVERYBODY else "allowed" if may(who, CALLS[name]) else "refused"
        if _answer(response) != expected:
            wrong.append((name, response.status_code, response.content[:200]))
    assert wrong == []


def call(name: str, world: World, headers: dict[str, str]) -> Any:
    """Make the call that is named so, as "GET /queues"."""
    method, path = name.split(" ")
    for part in re.findall(r"\{(\w+)\}", path):
        path = path.replace(f"{{{part}}}", str(world.argument(path, part)))
    body = "" if method == "GET" else json.dumps(BODIES.get(name, {}))
    return Client().generic(method, f"/api/v1{path}", body, content_type="application/json", headers=headers)


@TWO_WILL_DO
@pytest.mark.any_database
def test_a_session_is_no_token(sign_in: SignIn, world: World) -> None:
    client = sign_in("admin")
    for call in CALLS:
        method, path = call.split(" ")
        address = f"/api/v1{path}".replace("{name}", world.consumer)
        address = re.sub(r"\{\w+_id\}", "1", address)
        assert client.generic(method, address).status_code == 401, call


@TWO_WILL_DO
@pytest.mark.any_database
@pytest.mark.parametrize("name", sorted(DESCRIPTIONS))
def test_the_description_of_the_api_is_for_who_signed_in(name: str, sign_in: SignIn) -> None:
    address = reverse(f"api:{name}")
    assert _answer(Client().get(address, headers={"Accept": "text/html"})) == "signs in"
    assert Client().get(address, headers={"Authorization": "Bearer nonsense"}).status_code == 401
    assert sign_in("").get(address).status_code == 200


def test_who_is_deactivated_is_out_at_once(sign_in: SignIn, world: World) -> None:
    client, user = sign_in("admin"), make_user("admin")
    headers = {"Authorization": f"Bearer {tokens.create(user=user)}"}
    assert call("GET /queues", world, headers).status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert call("GET /queues", world, headers).status_code == 401
    assert _answer(client.get("/queues/")) == "signs in"


@TWO_WILL_DO
@pytest.mark.any_database
def test_no_page_takes_a_post_without_its_token(sign_in: SignIn, world: World) -> None:
    taken = []
    for page in everything():
        if PAGES[page.name][1] is not None:
            response = sign_in("admin", enforce_csrf_checks=True).post(page.address(world))
            if response.status_code != 403 or "Reload the page" not in response.text:
                taken.append((page.name, response.status_code))
    assert taken == []
    assert not AuditEntry.objects.exists()


@contextmanager
def _statements(*, is_asked: bool) -> Iterator[list[str]]:
    """Yield a list that has afterwards what the database was told meanwhile; nothing where none `is_asked` for."""
    found: list[str] = []
    if not is_asked:
        yield found
        return
    with CaptureQueriesContext(connection) as seen:
        yield found
    found += [query["sql"] for query in seen]


def _writes(sql: str) -> bool:
    """Whether a statement changes anything: that a list was looked at, and what it had, is no change."""
    notes = ("django_session", "administration_listing", "administration_packed")
    writes = sql.lstrip("( ").upper().startswith(("INSERT", "UPDATE", "DELETE"))
    return writes and not any(name in sql for name in notes)
