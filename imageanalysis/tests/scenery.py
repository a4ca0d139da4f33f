"""People, pictures and models in every state that a page can show, made through the doors that the product has."""

from dataclasses import dataclass

from django.core.files.storage import default_storage

from accounts.models import User
from accounts.tests.factories import UserFactory
from analysis import lifecycle, services, wording
from analysis.failures import BY_CODE, WORKER_LOST
from analysis.states import Priority, Stage
from analysis.tests.queue import claim
from images import my_data
from images.models import Image
from images.tests.factories import PHOTOGRAPHS, queued_image
from mlmodels.inference.classifier import Prediction
from mlmodels.models import MLModel
from mlmodels.tests.factories import MLModelFactory, added_model

LABELS = ("espresso", "cup", "soup bowl", "coffee mug", "eggnog")


@dataclass(frozen=True, slots=True)
class Scenery:
    """`pictures` by the state that they are in, all of them the owner's; the newcomer has none."""

    people: dict[str, User]
    pictures: dict[str, Image]
    models: dict[str, MLModel]


def scenery() -> Scenery:
    """One picture in each state, models that are offered, missing and refused, an export that is ready."""
    people = {name: UserFactory.create(username=name) for name in ("owner", "newcomer")}
    people["staff"] = UserFactory.create(username="staff", is_staff=True, is_superuser=True)
    people["clerk"] = UserFactory.create(username="clerk", is_staff=True)
    models = {
        "offered": MLModelFactory.create(),
        "missing": MLModelFactory.create(name="resnet50"),
        "added": added_model(),
        "refused": added_model("1.0.1", passed=False),
    }
    my_data.request(people["owner"])
    my_data.make_next(task_id="task")
    pictures = _pictures(people["owner"], models)
    return Scenery(people, pictures, models)


def _pictures(owner: User, models: dict[str, MLModel]) -> dict[str, Image]:
    """Each is brought into its state before the next one is queued, so that a claim takes the right one."""

    def queued(name: str) -> Image:
        return queued_image(user=owner, model=models["offered"], content=(PHOTOGRAPHS / name).read_bytes(), name=name)

    done = queued("coffee.png")
    lifecycle.complete({claim(): _predictions(91.25)})

    compared = queued("rocket.jpg")
    lifecycle.complete({claim(): _predictions(74.5)})
    services.analyze_again(image_id=compared.pk, model=models["added"], priority=Priority.NORMAL)
    lifecycle.complete({claim(): _predictions(62.75)})

    failed = queued("chelsea.png")
    lifecycle.fail([claim()], BY_CODE["damaged"])

    cancelled = queued("astronaut.png")
    lifecycle.cancel(image_id=cancelled.pk)

    lost = queued("page.png")
    lifecycle.complete({claim(): _predictions(55.5)})
    default_storage.delete(lost.file_path)

    running = queued("retina.jpg")
    percentage, description = wording.STAGES[Stage.MODEL_EXECUTION]
    lifecycle.advance([claim()], Stage.MODEL_EXECUTION, percentage=percentage, description=description)

    interrupted = queued("text.png")
    lifecycle.retry([claim()], WORKER_LOST)

    waiting = queued("horse.png")
    return {
        "done": done,
        "compared": compared,
        "failed": failed,
        "cancelled": cancelled,
        "lost": lost,
        "running": running,
        "interrupted": interrupted,
        "waiting": waiting,
    }


def _predictions(best: float) -> list[Prediction]:
    return [Prediction(label, best / (place * place)) for place, label in enumerate(LABELS, start=1)]
