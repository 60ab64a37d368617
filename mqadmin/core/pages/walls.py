"""The links that open the wall: who made them, when each was last used; make one, take one back."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from mqadmin.core import permissions
from mqadmin.core.access import walls
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.models import WallToken
from mqadmin.core.pages import rendering


@permissions.configure
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def wall_links(request: HttpRequest) -> HttpResponse:
    """List the links. A POST makes one, and shows it this once."""
    link = name = fault = ""
    if request.method == "POST":
        name = request.POST.get("name", "")
        maker = request.user
        assert isinstance(maker, User)
        try:
            token = walls.create(user=maker, name=name, by=audit.actor(request))
        except Refusal as error:
            fault = error.text
        else:
            link, name = request.build_absolute_uri(reverse("wall_open", args=[token])), ""
    context = {
        "walls": WallToken.objects.select_related("user"),
        "link": link,
        "name": name,
        "fault": fault,
        "longest": walls.LONGEST_NAME,
    }
    return rendering.page(request, "core/walls.html", context, status=422 if fault else 200)


@permissions.configure
@require_POST
def wall_revoke(request: HttpRequest, wall_id: int) -> HttpResponse:
    """Take a link back."""
    wall = get_object_or_404(WallToken, pk=wall_id)
    walls.revoke(wall=wall, by=audit.actor(request))
    return rendering.moved(request, reverse("wall_links"), _("Revoked: what it opened goes dark now."))
