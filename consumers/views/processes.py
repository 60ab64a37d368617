"""One process: what it printed, the newest lines and all of it as a file; start, restart or kill it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from consumers.definitions import definitions, processes
from consumers.models import ConsumerProcess
from consumers.process import outputs
from consumers.status import state_words, tones
from consumers.views.actions import about, acted
from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.rabbit.numbers import whole


@permissions.view.of("rows")
@require_GET
def process_output(request: HttpRequest, pk: int) -> HttpResponse:
    """The newest lines; its fragment, with `since`, is what was printed from that byte on."""
    process = get_object_or_404(ConsumerProcess.objects.select_related("consumer"), pk=pk)
    about(request, process.consumer)
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


@permissions.view.of("rows")
@require_GET
def process_download(request: HttpRequest, pk: int) -> HttpResponse:  # noqa: ARG001
    """All that is kept of it, as a text file. Raises Refusal where there is none on this host."""
    process = get_object_or_404(ConsumerProcess.objects.select_related("consumer"), pk=pk)
    chunks, reason = outputs.download(process)
    if chunks is None:
        raise Refusal(reason, "no_output", status=404)
    name = f"{process.consumer.name}-{process.host}-{process.pid or process.pk}.log"
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
    answer: Any = StreamingHttpResponse(
        chunks,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{safe.encode("ascii", "replace").decode()}"'},
    )
    return answer  # type: ignore[no-any-return]  # decorators know of whole answers alone


@permissions.operate.of("rows")
@require_POST
def process_start(request: HttpRequest, pk: int) -> HttpResponse:
    """Start one replica that failed or waits to start again."""
    process = get_object_or_404(ConsumerProcess.objects.select_related("consumer"), pk=pk)
    processes.start_now(process=process, by=audit.actor(request))
    return acted(request, process.consumer, _("It is starting."))


@permissions.operate.of("rows")
@require_POST
def process_restart(request: HttpRequest, pk: int) -> HttpResponse:
    """Replace one process once it has finished what it has in hand."""
    process = get_object_or_404(ConsumerProcess.objects.select_related("consumer"), pk=pk)
    processes.restart(process=process, by=audit.actor(request))
    text = _("Process %(pid)s finishes what it has in hand, then is replaced.") % {"pid": process.pid or pk}
    return acted(request, process.consumer, text)


@permissions.operate.of("rows")
@require_POST
def process_kill(request: HttpRequest, pk: int) -> HttpResponse:
    """Kill one process."""
    process = get_object_or_404(ConsumerProcess.objects.select_related("consumer"), pk=pk)
    definitions.kill(consumer=process.consumer, by=audit.actor(request), process=process)
    return acted(
        request, process.consumer, _("Process %(pid)s is being killed.") % {"pid": process.pid or pk}
    )
