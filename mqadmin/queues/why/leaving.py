"""The second half of `steps`: what becomes of messages that are in the queue. Pure."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import duration, number, rate
from mqadmin.queues.pages.sentences import since
from mqadmin.queues.why.facts import Facts, Holder
from mqadmin.rabbit.topology import settings

Found = tuple[bool | None, str, str]
MANY_REDELIVERED = 0.2


def delivered(facts: Facts) -> Found:
    info = facts.info
    if info.type == "stream":
        return None, _("A stream is read by whoever wants to; what was read stays."), ""
    if not info.ready:
        return True, _("Nothing waits for it."), ""
    if not facts.holders and not info.consumers:
        return None, _("To nobody, since nobody is subscribed."), ""
    full = [holder for holder in facts.holders if holder.is_full]
    takers = [holder for holder in facts.holders if holder.consumer.active is not False]
    if takers and len(full) >= len(takers):
        most = max(full, key=lambda holder: holder.unacked or 0)
        return (None if info.ack_rate else False), _full(facts, len(takers), most), "#queue-readers"
    if info.deliver_rate:
        text = _("%(rate)s/s are delivered, %(ready)s wait. %(room)s")
        words = {"rate": rate(info.deliver_rate), "ready": number(info.ready), "room": _room(facts)}
        return True, (text % words).strip(), "#queue-readers"
    if facts.is_single_active and not any(holder.consumer.active for holder in facts.holders):
        return False, _("One consumer at a time is given messages, and none is active."), "#queue-readers"
    if info.unacked:
        text = _("%(ready)s wait and none is delivered; %(unacked)s are held unacked.")
        return False, text % {"ready": number(info.ready), "unacked": number(info.unacked)}, "#queue-readers"
    return None, _("%(ready)s wait, and none was delivered just now.") % {"ready": number(info.ready)}, ""


def _full(facts: Facts, takers: int, most: Holder) -> str:
    text = ngettext(
        "Its consumer is full: %(who)s holds %(held)s unacked, as many as its prefetch lets it.",
        "All %(n)s consumers are full: %(who)s holds %(held)s unacked, as many as its prefetch lets it.",
        takers,
    ) % {"n": number(takers), "who": most.who, "held": number(most.unacked)}
    came = _("None is delivered.")
    if facts.info.deliver_rate:
        came = _("%(rate)s/s are delivered.") % {"rate": rate(facts.info.deliver_rate)}
    return prose.paragraph((text, _idle(most), came))


def _room(facts: Facts) -> str:
    capacity = facts.detail.capacity if facts.detail else None
    if capacity is None or not facts.info.ready:
        return ""
    return _("Consumers could take one at once in %(percent)s %% of the time.") % {
        "percent": round(100 * capacity)
    }


def _idle(holder: Holder) -> str:
    if holder.idle_at is None:
        return ""
    return _("Nothing went through its channel since %(at)s.") % {"at": since(holder.idle_at)}


def acked(facts: Facts) -> Found:
    info = facts.info
    if info.type == "stream":
        return None, _("Acks take nothing out of a stream."), ""
    if facts.redelivered >= MANY_REDELIVERED:
        text = _("%(percent)s %% of deliveries are redeliveries: messages are taken, fail, and come back.")
        return False, text % {"percent": round(100 * facts.redelivered)}, "#queue-readers"
    if not info.unacked:
        if info.ack_rate:
            return True, _("%(rate)s/s are acked, none is held.") % {"rate": rate(info.ack_rate)}, ""
        return True if not info.ready else None, _("None is held unacked."), ""
    held = _("%(n)s are held unacked") % {"n": number(info.unacked)}
    most = max(facts.holders, key=lambda holder: holder.unacked or 0, default=None)
    if most is not None and most.unacked:
        held = _("%(held)s, %(most)s of them in the channel of %(who)s") % {
            "held": held,
            "most": number(most.unacked),
            "who": most.who,
        }
    if info.ack_rate:
        text = _("%(held)s; %(rate)s/s are acked.") % {"held": held, "rate": rate(info.ack_rate)}
        return True, text, "#queue-readers"
    if facts.stalled_at is not None:
        held = _("%(held)s, and nothing was acked since %(at)s") % {
            "held": held,
            "at": since(facts.stalled_at),
        }
    text = prose.paragraph((prose.ended(held), _timeout(facts)))
    return (False if info.ready or facts.stalled_at else None), text, "#queue-readers"


def _timeout(facts: Facts) -> str:
    if facts.info.type != "quorum":  # RabbitMQ 4.3 names one of classic queues too, and does not apply it
        return ""
    known = [holder.consumer.timeout_ms for holder in facts.holders if holder.consumer.timeout_ms]
    if not known:
        return ""
    return _("RabbitMQ takes them back after %(time)s.") % {"time": duration(min(known) / 1000)}


def kept(facts: Facts) -> Found:
    """Say what may eat messages: a full queue that drops its head does; the others may."""
    found, bad = [], False
    if facts.limit is not None:
        limit = number(facts.limit)
        if facts.is_full and not facts.refuses:
            bad = True
            found.append(
                _("It is full at its limit of %(limit)s: each new message pushes the oldest out.")
                % {"limit": limit}
            )
        else:
            then = _("refuses more") if facts.refuses else _("drops the oldest beyond that")
            text = _("It holds %(ready)s of at most %(limit)s and %(then)s.")
            found.append(text % {"ready": number(facts.info.ready), "limit": limit, "then": then})
    size = settings.number(facts.info, "max-length-bytes")
    if size is not None:
        found.append(_("It is limited to %(n)s bytes.") % {"n": number(size)})
    if facts.ttl_ms is not None:
        found.append(
            _("What waits for longer than %(time)s expires.") % {"time": duration(facts.ttl_ms / 1000)}
        )
    returns = settings.number(facts.info, "delivery-limit")
    returns = returns if facts.info.delivery_limit is None else facts.info.delivery_limit
    if returns is not None and returns >= 0:  # -1 is none
        found.append(_("What comes back %(n)s times is taken out.") % {"n": number(returns)})
    if not found:
        return True, _("No limit of length, no expiry, no limit of deliveries."), ""
    eats = bad or facts.is_full or (facts.ttl_ms is not None and not facts.is_delay)
    return (False if bad else None if eats else True), prose.paragraph(found), "#queue-settings"


def dead_letters(facts: Facts) -> Found:
    if facts.dead_letter_fault:
        text = {
            "exchange_missing": _(
                "Its dead-letter exchange does not exist: what is rejected or expires is lost."
            ),
            "routes_nowhere": _(
                "Its dead-letter exchange leads to no queue: what is rejected or expires is lost."
            ),
        }.get(facts.dead_letter_fault, _("They reach no queue: what is rejected or expires is lost."))
        return False, text, "#queue-flow"
    if facts.dead_letters_to:
        names = prose.listed(facts.dead_letters_to[:3])
        more = len(facts.dead_letters_to) - 3
        text = _("To %(names)s.") if more <= 0 else _("To %(names)s and %(more)s more.")
        return True, text % {"names": names, "more": number(more)}, "#queue-flow"
    return None, _("It has no dead-letter exchange: what is rejected or expires is dropped."), "#queue-flow"


def held(facts: Facts) -> Found:
    """Say of what holds messages on purpose."""
    detail = facts.detail
    if facts.info.delayed:
        text = ngettext(
            "%(n)s returned message waits for its delayed retry%(next)s.",
            "%(n)s returned messages wait for their delayed retry%(next)s.",
            facts.info.delayed,
        )
        at = detail.next_retry_at if detail else None
        upcoming = _(", the next at %(at)s") % {"at": since(at)} if at else ""
        return None, text % {"n": number(facts.info.delayed), "next": upcoming}, ""
    time = duration(facts.delay_ms / 1000) if facts.delay_ms is not None else ""
    if time:
        return (
            None,
            _("It is a delay: each message is held for up to %(time)s, then expires back.") % {"time": time},
            "",
        )
    return None, _("It is a delay: messages are held until they expire back."), ""
