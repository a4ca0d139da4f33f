"""Words of people on every page that shows them, in a real browser: they stay words."""

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from analysis.models import AnalysisQueue, AnalysisResult, ProgressLog, TimelineLog
from imageanalysis.tests import browser as chromium_
from imageanalysis.tests.browser import visit
from imageanalysis.tests.servers import Broker
from images.models import Image
from images.tests.factories import queued_image
from mlmodels.models import MLModel
from mlmodels.tests.factories import MLModelFactory

pytestmark = [
    pytest.mark.skipif(
        chromium_.PROGRAM is None, reason="Chromium is not installed here (Debian: apt-get install chromium)"
    ),
    pytest.mark.django_db(transaction=True),
]

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'-alert(1)-'",
    "</title><script>alert(1)</script>",
    "</textarea><img src=x onerror=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "{{ 7*7 }}{% debug %}${alert(1)}",
    "<iframe srcdoc='<script>parent.alert(1)</script>'>",
    "<b hx-get=/healthz hx-trigger=load hx-on:load=alert(1)>",
]
AS_A_VERSION = "<svg/onload=alert()>"
LISTS = [
    "images/image",
    "analysis/analysisqueue",
    "analysis/analysisresult",
    "analysis/progresslog",
    "analysis/timelinelog",
]


def picture_that_says(payload: str, owner: User, model: MLModel) -> Image:
    """A picture whose every text is the payload, as far as its column holds it."""
    image = queued_image(user=owner, model=model)
    Image.objects.filter(pk=image.pk).update(filename=payload, error_log=payload)
    AnalysisQueue.objects.filter(image=image).update(error_message=payload, model_name=payload)
    AnalysisResult.objects.create(
        image=image, label=payload, confidence=97, model_name=payload[:50], model_version=payload[:20], rank=1
    )
    ProgressLog.objects.create(
        image=image, progress_percentage=50, current_stage="model_execution", stage_description=payload
    )
    texts = (
        "upload_step_description",
        "analysis_step_title",
        "analysis_step_description",
        "completion_step_description",
    )
    TimelineLog.objects.filter(image=image).update(model_used=payload[:50], **dict.fromkeys(texts, payload))
    return image


def pages_of(image: Image) -> list[str]:
    keys = {
        "images/image": image.pk,
        "analysis/analysisqueue": image.queue.pk,
        "analysis/timelinelog": image.timeline.pk,
    }
    return [f"/images/{image.pk}/", *(f"/admin/{table}/{key}/change/" for table, key in keys.items())]


# Real keys of models hold no spaces; these are made up and only name entries of the cache.
@pytest.mark.filterwarnings("ignore::django.core.cache.CacheKeyWarning")
def test_ten_payloads_in_every_text_run_nowhere(
    live_server: LiveServer, broker: Broker, browser: Browser, staff: User, model: MLModel
) -> None:
    MLModelFactory.create(name="custom", version=AS_A_VERSION, description=PAYLOADS[0])
    pictures = [picture_that_says(payload, staff, model) for payload in PAYLOADS]
    pages = ["/", *(f"/admin/{table}/" for table in [*LISTS, "mlmodels/mlmodel"])]
    pages += [page for image in pictures for page in pages_of(image)]
    client = Client()
    client.force_login(staff)
    name = settings.SESSION_COOKIE_NAME
    dialogs: list[str] = []
    with visit(browser, live_server.url) as page:
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
        silent = [address for address in pages if not shows_a_payload(page, address)]

    assert not dialogs
    assert not silent


def shows_a_payload(page: Page, address: str) -> bool:
    """Whether the page is there and holds one of the payloads as words."""
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 200, address
    text = page.locator("body").inner_text()
    return any(payload[:15] in text for payload in [*PAYLOADS, AS_A_VERSION])
