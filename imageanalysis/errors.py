"""What people and programs are told when something broke on our side."""

import sys

from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.utils.translation import gettext as _
from django.views.defaults import bad_request, server_error

from accounts.request import wants_json
from analysis.failures import StorageAwayError

RETRY_AFTER_SECONDS = 5


def broken(request: HttpRequest) -> HttpResponse:
    """500; or 503 while the database or the bucket does not answer, which passes by itself. Asks the database nothing.

    400 where it was sent what no column can hold: PostgreSQL takes no NUL in a text, not even to look for it.
    """
    cause = sys.exc_info()[1]
    if isinstance(cause, DataError):
        return bad_request(request, cause)
    if not isinstance(cause, OperationalError | InterfaceError | StorageAwayError):
        return server_error(request)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    if wants_json(request):
        error = {"code": "unavailable", "message": _("We cannot answer just now. Please try once more in a moment.")}
        return JsonResponse({"errors": [error]}, status=503, headers=headers)
    return HttpResponse(loader.get_template("503.html").render(), status=503, headers=headers)
