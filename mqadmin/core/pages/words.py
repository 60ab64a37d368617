"""What people did, in words: the one table of them, for the audit log and for what happened."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core.models import AuditEntry
from mqadmin.core.pages import audited, prose
from mqadmin.core.pages.formats import number

# Of one thing: the words, with the name of the thing behind them.
_THINGS: dict[str, Callable[[], str]] = {
    "database.backup": lambda: _("wrote the backup"),
    "database.restore": lambda: _("restored the database from"),
    "database.restore_dismiss": lambda: _("dismissed what is said of the restored"),
    "queue.purge": lambda: _("purged"),
    "queue.publish": lambda: _("published to"),
    "queue.move": lambda: _("moved messages"),
    "queue.declare": lambda: _("declared the queue"),
    "queue.convert": lambda: _("began to convert the queue"),
    "queue.convert.undo": lambda: _("began to undo the conversion of"),
    "queue.convert.go_on": lambda: _("went on with the conversion of"),
    "queue.delete": lambda: _("deleted the queue"),
    "queue.restore": lambda: _("put back what was kept by"),
    "tap.start": lambda: _("started a tap on the"),
    "tap.stop": lambda: _("stopped the"),
    "tap.keep": lambda: _("kept what was seen by the"),
    "tap.replay": lambda: _("replayed what was seen by the"),
    "queue.settle": lambda: _("changed the settings of"),
    "queue.peek": lambda: _("looked into"),
    "queue.add_member": lambda: _("added a member of"),
    "queue.remove_member": lambda: _("took a member away of"),
    "node.grow": lambda: _("added members of queues on"),
    "node.shrink": lambda: _("took the members of queues away on"),
    "cluster.rebalance": lambda: _("spread the leaders of queues"),
    "cluster.reset_statistics": lambda: _("began the statistics anew"),
    "cluster.rename": lambda: _("named the cluster"),
    "flag.enable": lambda: _("enabled the feature flag"),
    "flag.enable_all": lambda: _("enabled all stable feature flags"),
    "exchange.declare": lambda: _("declared the exchange"),
    "exchange.delete": lambda: _("deleted the exchange"),
    "exchange.publish": lambda: _("published to the exchange"),
    "binding.create": lambda: _("made the binding"),
    "binding.delete": lambda: _("deleted the binding"),
    "vhost.create": lambda: _("made the virtual host"),
    "vhost.update": lambda: _("changed the virtual host"),
    "vhost.delete": lambda: _("deleted the virtual host"),
    "vhost.protect": lambda: _("changed the protection of the virtual host"),
    "vhost.start": lambda: _("started again the virtual host"),
    "vhost.trace": lambda: _("switched tracing of the virtual host"),
    "permission.set": lambda: _("set the permissions of"),
    "permission.clear": lambda: _("took all permissions of"),
    "topic_permission.set": lambda: _("set the topic permissions of"),
    "topic_permission.clear": lambda: _("took the topic permissions of"),
    "broker_user.create": lambda: _("made the broker’s user"),
    "broker_user.tags": lambda: _("changed the tags of the broker’s user"),
    "broker_user.login": lambda: _("changed how they sign in: the broker’s user"),
    "broker_user.delete": lambda: _("deleted the broker’s user"),
    "user_limit.set": lambda: _("set a limit of the broker’s user"),
    "user_limit.clear": lambda: _("took a limit of the broker’s user"),
    "vhost_limit.set": lambda: _("set a limit of the virtual host"),
    "vhost_limit.clear": lambda: _("took a limit of the virtual host"),
    "policy.set": lambda: _("set the policy"),
    "policy.delete": lambda: _("deleted the policy"),
    "operator_policy.set": lambda: _("set the operator policy"),
    "operator_policy.delete": lambda: _("deleted the operator policy"),
    "parameter.set": lambda: _("set the parameter"),
    "parameter.delete": lambda: _("deleted the parameter"),
    "shovel.set": lambda: _("set the shovel"),
    "shovel.restart": lambda: _("restarted the shovel"),
    "shovel.delete": lambda: _("deleted the shovel"),
    "federation_upstream.set": lambda: _("set the federation upstream"),
    "federation_upstream.delete": lambda: _("deleted the federation upstream"),
    "federation_set.set": lambda: _("set the federation upstream set"),
    "federation_set.delete": lambda: _("deleted the federation upstream set"),
    "federation_link.restart": lambda: _("restarted the federation link"),
    "definitions.export": lambda: _("exported definitions of"),
    "definitions.restore": lambda: _("restored definitions on"),
    "queues.purge": lambda: _("purged the queues"),
    "queues.delete": lambda: _("deleted the queues"),
    "queues.track": lambda: _("began to capture the letters of"),
    "queues.settle": lambda: _("changed owner or mute of"),
    "queues.rule": lambda: _("made the rule for queues"),
    "queues.change_rule": lambda: _("changed the rule for queues"),
    "queues.move_rule": lambda: _("moved in the order the rule for queues"),
    "queues.delete_rule": lambda: _("deleted the rule for queues"),
    "queues.save_view": lambda: _("saved the view of queues"),
    "queues.delete_view": lambda: _("deleted the view of queues"),
    "consumer.create": lambda: _("defined the consumer"),
    "consumer.duplicate": lambda: _("copied another consumer as"),
    "consumer.update": lambda: _("changed the consumer"),
    "consumer.delete": lambda: _("deleted the consumer"),
    "consumer.start": lambda: _("started the consumer"),
    "consumer.stop": lambda: _("stopped the consumer"),
    "consumer.pause": lambda: _("paused the consumer"),
    "consumer.resume": lambda: _("resumed the consumer"),
    "consumer.restart": lambda: _("restarted the consumer"),
    "consumer.kill": lambda: _("killed the consumer"),
    "consumer.scale": lambda: _("scaled the consumer"),
    "consumer.redeliver": lambda: _("gave back to the queue what was in hand of"),
    "consumer.breaker": lambda: _("set the breaker of the consumer"),
    "consumer.try": lambda: _("tried on one message the consumer"),
    "consumer.import": lambda: _("brought consumers to what is in"),
    "consumer.stop_all": lambda: _("stopped many consumers"),
    "consumer.start_all": lambda: _("started many consumers"),
    "connection.close": lambda: _("closed the connection"),
    "connections.close": lambda: _("closed all connections of"),
    "host.drain": lambda: _("drained the host"),
    "host.undrain": lambda: _("took back into use the host"),
    "host.forget": lambda: _("forgot the host"),
    "record.requeue": lambda: _("replayed"),
    "dead_letters.requeue": lambda: _("requeued"),
    "dead_letters.discard": lambda: _("discarded"),
    "dead_letters.restore": lambda: _("restored"),
    "dead_letters.edit": lambda: _("edited"),
    "dead_letters.revert": lambda: _("undid the edits of"),
    "dead_letters.note": lambda: _("wrote a note on"),
    "dead_letters.note_cause": lambda: _("wrote a note on the"),
    "dead_letters.own_cause": lambda: _("set who looks after the"),
    "dead_letters.track": lambda: _("began to capture the letters of"),
    "dead_letters.untrack": lambda: _("stopped capturing the letters of"),
    "dead_letters.export": lambda: _("exported"),
    "dead_letters.import": lambda: _("imported letters"),
    "dead_letters.retention": lambda: _("deleted old letters"),
    "dead_letters.retry_rule": lambda: _("set what is retried by itself:"),
    "dead_letters.try": lambda: _("tried again"),
    "dead_letters.reveal": lambda: _("looked at the masked fields of"),
    "dead_letters.save_view": lambda: _("saved the view of letters"),
    "dead_letters.delete_view": lambda: _("deleted the view of letters"),
    "approval.approve": lambda: _("agreed, as the second person, to"),
    "approval.alone": lambda: _("WENT AHEAD ALONE with"),
    "approval.refuse": lambda: _("refused to agree to"),
    "approval.take_back": lambda: _("took back"),
    "approval.expire": lambda: _("let expire, as nobody agreed to it,"),
    "operation.pause": lambda: _("paused the operation"),
    "operation.resume": lambda: _("resumed the operation"),
    "operation.cancel": lambda: _("cancelled the operation"),
    "mark.post": lambda: _("posted the mark"),
    "incident.acknowledge": lambda: _("acknowledged"),
    "incident.reopen": lambda: _("gave up"),
    "incident.snooze": lambda: _("snoozed"),
    "incident.wake": lambda: _("ended the snooze of"),
    "silence.begin": lambda: _("began the silence"),
    "silence.end": lambda: _("ended the silence"),
    "alert_rule.create": lambda: _("made the alert rule"),
    "alert_rule.change": lambda: _("changed the alert rule"),
    "alert_rule.on": lambda: _("switched on the alert rule"),
    "alert_rule.off": lambda: _("switched off the alert rule"),
    "alert_rule.restore": lambda: _("set back to what it was the alert rule"),
    "alert_rule.delete": lambda: _("deleted the alert rule"),
    "alert_channel.create": lambda: _("made the alert channel"),
    "alert_channel.change": lambda: _("changed the alert channel"),
    "alert_channel.on": lambda: _("switched on the alert channel"),
    "alert_channel.off": lambda: _("switched off the alert channel"),
    "alert_channel.delete": lambda: _("deleted the alert channel"),
    "alert_channel.test": lambda: _("sent a test to the alert channel"),
    "user.sign_in": lambda: _("signed in"),
    "user.sign_out": lambda: _("signed out"),
    "user.create": lambda: _("made the user"),
    "user.password": lambda: _("set the password of"),
    "user.lock_out": lambda: _("locked out after wrong passwords:"),
    "user.unlock": lambda: _("let in again"),
    "user.role": lambda: _("changed the role of"),
    "user.roles": lambda: _("changed the roles for a part of"),
    "role.create": lambda: _("made the role"),
    "role.change": lambda: _("changed the role"),
    "role.delete": lambda: _("deleted the role"),
    "user.link": lambda: _("linked to who signs on as them the account"),
    "user.second_factor_add": lambda: _("added a second factor to"),
    "user.second_factor_remove": lambda: _("took a second factor away of"),
    "user.second_factor_confirm": lambda: _("confirmed their password to change the second factor of"),
    "user.recovery_codes": lambda: _("made new recovery codes for"),
    "user.leave_to_sign_on": lambda: _("left to the sign-on the account"),
    "user.switch_on": lambda: _("switched on the account"),
    "user.switch_off": lambda: _("switched off the account"),
    "user.sign_out_everywhere": lambda: _("ended the sessions of"),
    "token.create": lambda: _("made an API token for"),
    "token.revoke": lambda: _("revoked an API token of"),
    "token.use": lambda: _("used an API token that opens nothing"),
    "wall.create": lambda: _("made the link to the wall"),
    "wall.revoke": lambda: _("revoked the link to the wall"),
    "demo.setup": lambda: _("set up the demo in"),
}


def act(action: str) -> str:
    """Return what was done, as a piece of a sentence: "purged". A code that is not in the table stays a code."""
    return of(action) or action


def of(action: str) -> str:
    """Return the same, "" for a code that is not in the table."""
    return _THINGS[action]() if action in _THINGS else ""


def said(entry: AuditEntry) -> str:
    """Return the act with its thing and how many: "purged /:orders (2,000 messages)"; how it ended, unless done."""
    text = " ".join(filter(None, (act(entry.action), audited.target(entry.target))))
    if entry.count is not None and entry.count != 1:
        held = _how_many(entry.action, entry.count)
        text = prose.aside(text, held)
    if entry.outcome != AuditEntry.Outcome.DONE:
        text = prose.aside(text, str(entry.get_outcome_display()))
    return text


def _how_many(action: str, count: int) -> str:
    of = action.partition(".")[0]
    if of == "queue":
        text = ngettext("%(n)s message", "%(n)s messages", count)
    elif of == "queues":
        text = ngettext("%(n)s queue", "%(n)s queues", count)
    elif of == "dead_letters":
        text = ngettext("%(n)s letter", "%(n)s letters", count)
    elif of == "consumer":
        text = ngettext("%(n)s of them", "%(n)s of them", count)
    else:
        text = "%(n)s"
    return text % {"n": number(count)}
