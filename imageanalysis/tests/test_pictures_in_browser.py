"""What a browser makes of an original on its page is what the model looks at."""

import base64
import io

import pytest
from django.conf import settings
from django.test import Client
from PIL import Image as Pillow
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from imageanalysis.tests import browser as chromium_
from imageanalysis.tests.browser import visit
from images.tests.factories import queued_image
from images.tests.test_same_picture import FILES
from mlmodels.inference.pictures import decode
from mlmodels.tests.photographs import MAX_PIXELS, mean_difference

pytestmark = pytest.mark.skipif(
    chromium_.PROGRAM is None, reason="Chromium is not installed here (Debian: apt-get install chromium)"
)

# What lies in the frame, one above the other on the frame's own colour, in the size of the uppermost.
SHOWN = """async () => {
    const images = Array.from(document.querySelectorAll(".frame img"))
    await Promise.all(images.map(image => image.decode()))
    const {naturalWidth, naturalHeight} = images.at(-1)
    const canvas = new OffscreenCanvas(naturalWidth, naturalHeight)
    const pen = canvas.getContext("2d")
    pen.fillStyle = getComputedStyle(document.querySelector(".frame")).backgroundColor
    pen.fillRect(0, 0, canvas.width, canvas.height)
    for (const image of images) {
        pen.filter = getComputedStyle(image).filter
        pen.drawImage(image, 0, 0, canvas.width, canvas.height)
    }
    const bytes = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())
    return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(""))
}"""


def test_a_page_shows_what_the_model_looks_at(
    browser: Browser, live_server: LiveServer, owner: User, owner_client: Client
) -> None:
    pictures = {name: queued_image(user=owner, content=content) for name, content in FILES.items()}
    name_of_session = settings.SESSION_COOKIE_NAME
    session_key = owner_client.cookies[name_of_session].value
    differences = {}
    with visit(browser, live_server.url, color_scheme="dark") as page:
        page.context.add_cookies([{"name": name_of_session, "value": session_key, "url": live_server.url}])
        for name, image in pictures.items():
            page.goto(image.get_absolute_url())
            shown = Pillow.open(io.BytesIO(base64.b64decode(page.evaluate(SHOWN)))).convert("RGB")
            differences[name] = mean_difference(shown, decode(io.BytesIO(FILES[name]), max_pixels=MAX_PIXELS))

    assert {name: round(found, 1) for name, found in differences.items() if found > 4} == {}
