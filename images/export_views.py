"""The results of many pictures as one file: those that the filters find, or those that were chosen."""

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.request import SignedInRequest
from images import batch
from images.batch_views import refused
from images.gallery_filters import Filters
from images.media import NEVER_KEPT
from images.models import Image
from images.results_export import FORMATS, batches


@require_http_methods(["GET", "HEAD", "POST"])
def export(request: SignedInRequest) -> HttpResponseBase:
    """GET: what the filters of the gallery find, which stand in the address. POST: the pictures in `ids`."""
    asked = request.POST if request.method == "POST" else request.GET
    pictures = Image.objects.visible_to(request.user)
    file_format = asked.get("format", "csv")
    try:
        if file_format not in FORMATS:
            raise batch.BatchRefusedError("unknown_format")
        if request.method == "POST":
            pictures = pictures.filter(pk__in=batch.read_ids(asked.getlist("ids")))
    except batch.BatchRefusedError as error:
        return refused(request, error)
    audit.record("results_exported", request=request, format=file_format)
    content_type, written = FORMATS[file_format]
    filters = Filters.read(request.GET)
    name = f"pictures-{timezone.localdate().isoformat()}.{file_format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": NEVER_KEPT}
    return StreamingHttpResponse(written(batches(pictures, filters)), content_type=content_type, headers=headers)
