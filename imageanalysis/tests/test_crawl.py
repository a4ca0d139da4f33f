"""No link and no form of any page ends in an error of ours or in what is another's."""

import pytest

from accounts.models import User
from accounts.tests.factories import UserFactory
from analysis import lifecycle
from analysis.failures import BY_CODE
from analysis.tests.queue import claim
from imageanalysis.tests.crawl import Page, Step, crawl
from imageanalysis.tests.visits import Visitor
from images.models import Image
from images.tests.factories import queued_image
from mlmodels.inference.classifier import Prediction
from mlmodels.models import MLModel


def pictures_of(user: User, model: MLModel, *, name: str, label: str) -> list[Image]:
    """One that is analyzed, one that failed, one that was cancelled and one that waits."""

    def queued(state: str) -> Image:
        return queued_image(user=user, model=model, name=f"{name}_{state}.png")

    done = queued("done")
    lifecycle.complete({claim(): [Prediction(label, 97.5)]})
    failed = queued("failed")
    lifecycle.fail([claim()], BY_CODE["damaged"])
    cancelled = queued("cancelled")
    lifecycle.cancel(image_id=cancelled.pk)
    return [done, failed, cancelled, queued("waiting")]


@pytest.fixture
def boris(model: MLModel) -> User:
    """Somebody whose things have unmistakable names."""
    boris = UserFactory.create(username="boris_of_the_south", email="boris@secret.example")
    pictures_of(boris, model, name="dacha", label="samovar")
    return boris


@pytest.mark.parametrize("role", ["anonymous", "person", "staff"])
def test_every_link_and_form_leads_somewhere_and_to_nothing_of_anothers(role: str, boris: User, model: MLModel) -> None:
    user = None if role == "anonymous" else UserFactory.create(username="anna", is_staff=role == "staff")
    if user:
        user.is_superuser = user.is_staff
        user.save()
        pictures_of(user, model, name="cottage", label="teapot")
    pictures_of_boris = {f"/images/{picture.pk}/" for picture in boris.images.all()}
    broken, foreign, seen = [], [], set()
    for visit in crawl(Visitor(user), "/"):
        step = visit.step
        seen.add(step.address)
        print(len(seen), visit.status, step.verb, step.address, flush=True)
        # A link leads somewhere; what a form says as it stands may well be refused.
        if visit.status >= (400 if step.verb == "GET" else 500):
            broken.append((visit.status, step))
        of_boris = [word for word in ("boris", "dacha", "samovar") if word.encode() in visit.body]
        of_boris += [path for path in pictures_of_boris if step.address.startswith(path)]
        if of_boris and not step.address.startswith("/admin/"):
            foreign.append((step, of_boris))

    assert not broken
    assert not foreign
    expected = {"anonymous": "/accounts/register/", "person": "/accounts/profile/", "staff": "/admin/images/image/"}
    assert expected[role] in seen
    if user:
        assert {f"/images/{picture.pk}/retry/" for picture in user.images.filter(status="failed")} <= seen


def test_a_page_offers_its_links_and_what_each_button_of_its_forms_sends() -> None:
    page = Page(
        "/a/?b=1",
        """<a href="#z"></a><a href="c/#d"></a><form method="post">
        <input name="e" value="f"><input type="checkbox" name="g">
        <select name="h"><option value="1"><option value="2" selected></select>
        <button name="i" value="j"></button><button formaction="/k/"></button></form>""",
    )

    fields = (("e", "f"), ("h", "2"))
    assert page.steps == [
        Step("GET", "/a/c/"),
        Step("POST", "/a/?b=1", fields, ("i", "j")),
        Step("POST", "/k/", fields),
    ]
