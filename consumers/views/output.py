"""What a process printed: the newest lines, then what comes; and all of it as a file."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from consumers.models import ConsumerProcess
from consumers.process import outputs
from consumers.status import state_words, tones
from mqadmin.core import permissions
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.rabbit.numbers import whole


@permissions.view
@require_GET
def process_output(request: HttpRequest, pk: int) -> HttpResponse:
    """The newest lines; its fragment, with `since`, is what was printed from that byte on."""
    process = get_object_or_404(ConsumerProcess.objects.select_related("consumer"), pk=pk)
    since = request.GET.get("since", "")
    position = whole(since, 15)
    news, reason = outputs.since(process, position)
    context = {
        "process": process,
        "consumer": process.consumer,
        "tone": tones.PROCESS.get(process.state, "grey"),
        "is_live": process.ended_at is None and process.state in state_words.LIVE,
        "news": news,
        "since": position,
        "is_fragment": rendering.wants_fragment(request),
        "reason": reason,
    }
    return rendering.page(request, "consumers/output.html", context, fragment="consumers/_output.html")


@require_GET
def process_download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """All that is kept of it, as a text file. Raises Refusal where there is none on this host."""
    permissions.check(request.user, "view")
    process = get_object_or_404(ConsumerProcess.objects.select_related("consumer"), pk=pk)
    chunks, reason = outputs.download(process)
    if chunks is None:
        raise Refusal(reason, "no_output", status=404)
    name = f"{process.consumer.name}-{process.host}-{process.pid or process.pk}.log"
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
    return StreamingHttpResponse(
        chunks,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{safe.encode("ascii", "replace").decode()}"'},
    )
