"""A second person agrees, and the act is done as it was asked for; or its asker goes ahead alone."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.approvals.acts import standing
from mqadmin.approvals.gate import gate, kinds
from mqadmin.approvals.gate.gate import Outgrown
from mqadmin.approvals.models import Approval
from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.rights import asking
from mqadmin.core.rights.asking import Asking
from mqadmin.core.rights.rules import Needed, Rights
from mqadmin.rabbit.errors import RabbitError

Status = Approval.Status
SHORTEST_REASON = 10  # characters of why somebody goes ahead alone


def approve(*, approval: Approval, user: Any, by: Actor, seen: int) -> Approval:
    """Agree to an act, and do it in the name of who asked. `seen`: the version of it that was looked at.

    All checks of the act are made anew. Raises PermissionDenied without the right that the act takes; Refusal
    (409): "own" for one's own, "wrong_state" where somebody was faster or its time is over, "changed" where another
    version is to be agreed to, "outgrown" where it would do noticeably more by now, which then waits to be agreed
    to anew; any Refusal of the act itself, and RabbitError, after which it has failed.
    """
    with _written(approval, "approval.approve", by) as entry:
        standing.check(approval, user)
        if standing.is_own(approval, user):
            raise Refusal(_("You asked for it yourself: a second person must agree."), "own")
        _claim(approval, by, seen=seen)
        _do(approval)
        entry.detail = {**entry.detail, "result": approval.result}
    return approval


def may_go_alone(approval: Approval, user: Any) -> bool:
    """Whether this is its asker, and MQADMIN_FOUR_EYES_ALONE lets them go ahead without a second person."""
    return standing.is_own(approval, user) and user.get_username() in settings.MQADMIN_FOUR_EYES_ALONE


def go_alone(*, approval: Approval, user: Any, by: Actor, reason: str, seen: int) -> Approval:
    """Do one's own act without a second person, for a reason that is told to everybody.

    Raises as `approve` does; Refusal (409, "not_alone") for who may not, (422) without a reason.
    """
    words = " ".join(reason.split())
    with _written(approval, "approval.alone", by, reason=words):
        standing.check(approval, user)
        if not may_go_alone(approval, user):
            text = _("Nobody may go ahead alone but who asked, and who MQADMIN_FOUR_EYES_ALONE names.")
            raise Refusal(text, "not_alone")
        if len(words) < SHORTEST_REASON:
            text = _("Say why it cannot wait for a second person, in %(n)d characters at least.")
            text = text % {"n": SHORTEST_REASON}
            raise Refusal(text, "invalid", status=422, fields={"reason": text})
        _claim(approval, by, seen=seen, is_alone=True, reason=words[:500])
        _do(approval)
    return approval


def _written(approval: Approval, action: str, by: Actor, **more: Any) -> Any:
    size = {"messages": approval.messages, "objects": approval.objects_touched}
    detail = {
        "approval": approval.pk,
        "act": approval.act,
        "asked_by": approval.asked_by,
        "version": approval.version,
        **size,
        **more,
    }
    return audit.act(
        by=by, action=action, broker=approval.broker, target=standing.target(approval), detail=detail
    )


def _claim(approval: Approval, by: Actor, *, seen: int, **more: Any) -> None:
    """Take it, unless somebody was faster. Raises Refusal."""
    now = timezone.now()
    claimed = Approval.everything.filter(
        pk=approval.pk, status=Status.WAITING, version=seen, expires_at__gt=now
    ).update(status=Status.DOING, decided_by=by.name, decided_at=now, result="", **more)
    approval.refresh_from_db()
    if claimed:
        return
    if approval.is_waiting:
        text = _("It is not what you looked at any more: %(why)s Look again, then agree.")
        raise Refusal(text % {"why": approval.grown}, "changed")
    raise standing.refusal(approval)


def _do(approval: Approval) -> None:
    """Do it, and write down what became of it."""
    try:
        _check_asker(approval)
        with gate.agreed(approval), asking.asks(_asker(approval)):
            found = kinds.of(approval.act).perform(
                approval.arguments,
                Actor(approval.asked_by, approval.via, approval.asker_id),  # type: ignore[arg-type]
            )
    except Outgrown as error:
        _wait_anew(approval, error)
        raise
    except (Refusal, RabbitError) as error:
        _end(approval, Status.FAILED, str(error))
        raise
    except BaseException as error:
        _end(approval, Status.FAILED, f"{type(error).__name__}: {error}")
        raise
    operation = found if isinstance(found, Operation) else None
    result = _("%(what)s: begun.") % {"what": operation.summary} if operation else _("It was done.")
    _end(approval, Status.DONE, result, operation=operation)


def _asker(approval: Approval) -> Asking | None:
    """Return who asked, with what they might do then and still may: all that matches is what matched for them."""
    if approval.rights is None:
        return None
    asker = User.objects.filter(pk=approval.asker_id or 0).first()
    now = permissions.rights(asker).layers if asker is not None else ()
    who = approval.asked_by, Rights((*Rights.from_json(approval.rights).layers, *now))
    return Asking(lambda: who, _needed(approval), permissions.denied)


def _needed(approval: Approval) -> Needed:
    return approval.needs  # type: ignore[return-value]  # written from `gate.kinds`


def _check_asker(approval: Approval) -> None:
    """Raise Refusal where who asked may not do it any more themselves."""
    if approval.asker_id is None and approval.via == "shell":
        return
    asker = User.objects.filter(pk=approval.asker_id or 0).first()
    is_part = approval.rights is not None  # then each of its steps asks what they may with it
    if asker is None or (
        permissions.denial(asker, _needed(approval), "rows") if is_part else standing.denial(approval, asker)
    ):
        text = _("%(who)s, who asked for it, may not do it any more.") % {"who": approval.asked_by}
        raise Refusal(text, "asker_gone")


def _end(approval: Approval, status: Status, result: str, **more: Any) -> None:
    Approval.everything.filter(pk=approval.pk, status=Status.DOING).update(
        status=status, result=result[:500], **more
    )
    approval.refresh_from_db()


def _wait_anew(approval: Approval, error: Outgrown) -> None:
    """Have it wait again, as what it is now; until the moment that it would have expired."""
    Approval.everything.filter(pk=approval.pk, status=Status.DOING).update(
        status=Status.WAITING,
        version=F("version") + 1,
        mark=error.now.mark,
        grown=error.text[:300],
        decided_by="",
        decided_at=None,
        is_alone=False,
        reason="",
        **gate.of_now(error.now),
    )
    approval.refresh_from_db()
