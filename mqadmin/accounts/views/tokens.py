"""One's own API tokens."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from mqadmin.accounts.acts import tokens
from mqadmin.accounts.forms.account import NewToken
from mqadmin.accounts.pages import shown
from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.models import ApiToken
from mqadmin.core.pages import rendering


@permissions.view.of("rows")
@never_cache
@require_http_methods(["GET", "POST"])
def token_list(request: HttpRequest) -> HttpResponse:
    """List one's own tokens. A POST makes one, and shows it this once."""
    user = request.user
    assert isinstance(user, User)
    token, form, status = "", NewToken(), 200
    if request.method == "POST":
        form, status = NewToken(request.POST), 422
        if form.is_valid():
            try:
                _row, token = tokens.create(by=audit.actor(request), user=user, **form.cleaned_data)
            except Refusal as refusal:
                form.blame(refusal)
            else:
                form, status = NewToken(), 200
    context = {"form": form, "made": token, "tokens": shown.tokens(user)}
    return rendering.page(request, "accounts/tokens.html", context, status=status)


@permissions.view.of("rows")
@require_POST
def token_revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """Take back one of one's own tokens."""
    token = get_object_or_404(ApiToken.objects.select_related("user"), pk=token_id, user_id=request.user.pk)
    tokens.revoke(by=audit.actor(request), token=token)
    text = _("Revoked: the next call with it is refused.")
    return rendering.moved(request, reverse("token_list"), text)
