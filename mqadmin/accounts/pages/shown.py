"""Rows of accounts and tokens as the pages and the API show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import Count, Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.accounts.acts import roles
from mqadmin.accounts.pages import parts
from mqadmin.core import permissions
from mqadmin.core.access import limits, second_factor
from mqadmin.core.models import ApiToken
from mqadmin.core.pages import prose
from mqadmin.core.rights.rules import Rule
from mqadmin.core.tones import Tone

PER_PAGE = 100
SOON = timedelta(days=14)  # a token that expires within is marked


@dataclass(frozen=True)
class Account:
    """An account: `role` is that for everything, "" for none, `parts` those for a part; `tokens`: how many it has;
    `used_at`: when one of them was used last; `factors`: the kinds of its second factors, "totp", "webauthn"."""

    user: User
    role: str
    parts: list[str]
    tokens: int
    used_at: datetime | None
    factors: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it signs in as."""
        return self.user.get_username()

    @property
    def factor_words(self) -> str:
        """Its second factors in words, "" for none."""
        words = {"totp": _("app"), "webauthn": _("passkey")}
        return prose.listed(words[kind] for kind in self.factors)

    @property
    def tone(self) -> Tone:
        """Grey where nobody signs in with it."""
        return "green" if self.user.is_active and (self.role or self.parts) else "grey"

    @property
    def state(self) -> str:
        """What the dot stands for."""
        if not self.user.is_active:
            return _("switched off")
        return _("may sign in") if self.role or self.parts else _("has no role")


@dataclass(frozen=True)
class Token:
    """A token of an account. `part`: with what it may, "" for everything; `is_over`: it has expired; `is_soon`: it
    will within SOON."""

    token: ApiToken
    part: str
    is_over: bool
    is_soon: bool


def accounts(rows: QuerySet[User]) -> list[Account]:
    """Return accounts with their roles, by a few queries more however many there are."""
    found = list(
        rows.annotate(token_count=Count("api_tokens"), token_used=Max("api_tokens__last_used_at"))
        .prefetch_related(
            "groups__permissions__content_type", "user_permissions__content_type", "authenticator_set"
        )
        .order_by("username")
    )
    return [
        Account(user, _role(user), _parts(user), user.token_count, user.token_used, _factors(user))
        for user in found
    ]


def page(q: str, number: str | None) -> tuple[Page[User], list[Account]]:
    """Return one page of the accounts whose name holds `q`, and its rows."""
    rows = User.objects.filter(username__icontains=q) if q else User.objects.all()
    found = Paginator(rows.order_by("username"), PER_PAGE).get_page(number)
    return found, accounts(User.objects.filter(pk__in=[user.pk for user in found]))


def tokens(user: User) -> list[Token]:
    """Return the tokens of an account, the newest first."""
    now = timezone.now()
    found = []
    for token in ApiToken.objects.filter(user=user).order_by("-pk"):
        left = token.expires_at - now if token.expires_at else None
        is_over = left is not None and left <= timedelta()
        rule = Rule(token.broker, token.vhost, token.queue)
        part = "" if rule.is_for_all else parts.what(rule)
        found.append(Token(token, part, is_over, not is_over and left is not None and left < SOON))
    return found


def wrong_passwords(user: User) -> int:
    """Return how many were tried for an account lately."""
    return limits.wrong(user.get_username())


def role_words() -> list[tuple[str, str, str]]:
    """Return the roles with what each is called and may, the least first."""
    return [
        ("viewer", _("viewer"), _("sees every page, and changes nothing")),
        (
            "operator",
            _("operator"),
            _("also purges, publishes, peeks, requeues, starts, stops, scales, acknowledges and silences"),
        ),
        (
            "admin",
            _("admin"),
            _("also defines and deletes: consumers, what brokers are made of, rules, channels, accounts"),
        ),
    ]


def own_roles() -> list[str]:
    """Return the names of the roles for a part."""
    return list(roles.own().values_list("name", flat=True))


def _parts(user: User) -> list[str]:
    """Return the names of an account's roles for a part, from what was prefetched."""
    return sorted(group.name for group in user.groups.all() if group.name not in permissions.ROLES)


def _factors(user: User) -> tuple[str, ...]:
    held = {str(row.type) for row in user.authenticator_set.all()}  # type: ignore[attr-defined]
    return tuple(sorted(held & set(second_factor.KINDS)))


def _role(user: User) -> str:
    """Return the role, from what was prefetched; also of an account that is switched off."""
    if user.is_superuser:
        return "admin"
    held = {
        permission.codename
        for permission in (
            *user.user_permissions.all(),
            *(held for group in user.groups.all() for held in group.permissions.all()),
        )
        if permission.content_type.app_label == "core"
    }
    return next((name for name in reversed(permissions.ROLES) if held >= {*permissions.ROLES[name]}), "")
