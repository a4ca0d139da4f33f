"""Is this process alive?"""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@require_safe
@never_cache
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Answers while the process can answer at all; it asks neither database nor broker."""
    return HttpResponse("ok\n", content_type="text/plain")
