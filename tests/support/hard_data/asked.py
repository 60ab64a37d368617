"""What each page is asked beside its address."""

from __future__ import annotations

from tests.support.hard_data.world import World

# What a page is asked beside its address, where it says more then.
ASKED = {
    "find": ["q={word}"],
    "access": ["", "vhost={vhost}&queue={work}", "queue={work}"],
    "queue_list": ["", "q=lag:"],
    "queues_purge": ["ids={queue}"],
    "queues_delete": ["ids={queue}"],
    "queues_mute": ["all=1&q=name:*"],
    "queues_owner": ["ids={queue}"],
    "queues_track": ["ids={queue}"],
    "letter_list": ["", "letter={letter}", "letter={letter}&tab=headers", "q=source:"],
    "letter_detail": ["", "tab=headers", "tab=properties", "tab=hex"],
    "letter_complete": ["q=source:&at=7"],
    "letter_requeue": ["ids={letter}", "ids={letter}&to=given"],
    "letter_discard": ["ids={letter}"],
    "letter_restore": ["all=1&status=discarded"],
    "letters_edit": ["ids={letter}", "ids={letter}&way=replace&find=body&replace=x"],
    "letter_map": ["vhost={vhost}"],
    "consumer_try": ["record={record}"],
    "audit_list": ["", "actor=nobody"],
    "node_detail": ["name={node}"],
    "node_stopping": ["name={node}"],
    "node_checks": ["name={node}"],
    "cluster_reset": ["", "name={node}"],
    "queue_members": ["vhost={vhost}&name={held}"],
    "member_add": ["vhost={vhost}&name={held}"],
    "member_remove": ["vhost={vhost}&name={held}&node={node}"],
    "node_grow": ["name={node}"],
    "node_shrink": ["name={node}"],
    "flag_enable": ["name={flag}"],
    "definitions_compare": ["", "one={version}"],
    "exchange_list": ["", "q=colur:red"],
    "exchange_detail": ["vhost={vhost}&name={exchange}"],
    "exchange_flow_list": ["vhost={vhost}&name={exchange}"],
    "noun_past": ["vhost={vhost}&name={exchange}"],
    "exchange_publish": ["vhost={vhost}&name={exchange}"],
    "exchange_delete": ["vhost={vhost}&name={exchange}"],
    "binding_new": ["vhost={vhost}&name={exchange}"],
    "binding_delete": [
        "vhost={vhost}&source={exchange}&destination={work}&destination_type=queue&properties_key={work}"
    ],
    "vhost_detail": ["name={vhost}"],
    "vhost_edit": ["name={vhost}"],
    "vhost_trace": ["name={vhost}&on=1"],
    "vhost_protect": ["name={vhost}&on=1"],
    "vhost_start": ["name={vhost}"],
    "vhost_delete": ["name={vhost}"],
    "user_detail": ["name={user}"],
    "user_tags": ["name=nobody"],
    "user_login": ["name=nobody"],
    "user_delete": ["name=nobody"],
    "connection_detail": ["name={connection}"],
    "connection_close": ["name={connection}"],
    "connections_close": ["user={user}"],
    "open_channel_detail": ["name={connection}%20%281%29"],
    "policy_detail": ["vhost={vhost}&name={policy}&kind=policy"],
    "policy_edit": ["vhost={vhost}&name={policy}&kind=policy"],
    "policy_delete": ["vhost={vhost}&name={policy}&kind=policy"],
    "policy_try": ["vhost={vhost}&pattern=."],
    "queue_named": [],
    "queue_convert_named": ["vhost={vhost}&name={work}"],
    # Of what only a plugin knows there is none.
    "parameter_edit": [],
    "parameter_delete": [],
    "shovel_edit": ["vhost={vhost}&name={shovel}"],
    "shovel_delete": ["vhost={vhost}&name={shovel}"],
    "shovel_restart": ["vhost={vhost}&name={shovel}"],
    "federation_link_restart": [],
    "federation_upstream_edit": [],
    "federation_upstream_delete": [],
    "federation_set_edit": [],
    "federation_set_delete": [],
    "permission_set": ["", "user=nobody&vhost={vhost}"],
    "permission_clear": ["user=nobody&vhost={vhost}"],
    "topic_permission_set": ["user=nobody"],
    "topic_permission_clear": ["user=nobody&vhost={vhost}"],
    "limit_set": ["of=vhost&name={vhost}", "of=user&name=nobody"],
    "limit_clear": ["of=vhost&name={vhost}&limit=max-queues"],
    "tap_new": ["vhost={vhost}&kind=queue&name={word}"],
    "journey": ["", "q={word}"],
    # The forms of new ones are those of the ones that are there.
    "alert_rule_new": [],
    "channel_new": [],
}


def addresses(world: World, name: str, address: str) -> list[str]:
    """Return the addresses at which the page `name` is looked at."""
    asked = (query.format(word="work", **vars(world)) for query in ASKED.get(name, [""]))
    return [f"{address}?{query}" if query else address for query in asked]
