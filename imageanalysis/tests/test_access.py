"""Who may do what where: every address, every role, every verb, in one table."""

import re

import pytest
from django.apps import apps
from django.test import Client

from accounts.models import User
from accounts.tests.factories import PASSWORD
from imageanalysis.tests.visits import VERBS, Scene, Visitor, addresses, header_faults, outcome, scene_of
from mlmodels.models import MLModel

# One line per address; per role what GET, HEAD, POST, PUT, PATCH and DELETE meet, one letter for all six alike:
# o 200, s to a sign-in page, r to elsewhere, f 403, n 404, m 405. The pictures belong to `owner`.
TABLE_TEXT = """
address                                                       anonymous  other_user  owner   staff
/                                                             s          oommmm      oommmm  oommmm
/healthz                                                      oommmm     oommmm      oommmm  oommmm
/language/                                                    r          r           r       r
/accounts/register/                                           oooomm     r           r       r
/accounts/login/                                              oooomm     r           r       r
/accounts/logout/                                             s          mmrmmm      mmrmmm  mmrmmm
/images/                                                      s          oommmm      oommmm  oommmm
/images/cancel-waiting/                                       s          mmrmmm      mmrmmm  mmrmmm
/images/live/                                                 s          ommmmm      ommmmm  ommmmm
/images/upload/                                               s          oormmm      oormmm  oormmm
/images/<int:pk>/                                             s          nnmmmm      oommmm  nnmmmm
/images/<int:pk>/timeline/                                    s          nnmmmm      oommmm  nnmmmm
/images/<int:pk>/file/                                        s          nnmmmm      oommmm  nnmmmm
/images/<int:pk>/thumbnail/                                   s          nnmmmm      oommmm  nnmmmm
/images/<int:pk>/analyze/                                     s          mmnmmm      mmrmmm  mmnmmm
/images/<int:pk>/cancel/                                      s          mmnmmm      mmrmmm  mmnmmm
/images/<int:pk>/retry/                                       s          mmnmmm      mmrmmm  mmnmmm
/images/<int:pk>/delete/                                      s          mmnmmm      mmrmmm  mmnmmm
/admin/                                                       s          s           s       o
/admin/login/                                                 oooomm     oooomm      oooomm  rooomm
/admin/logout/                                                s          r           r       mmrmmm
/admin/password_change/                                       s          s           s       oooomm
/admin/password_change/done/                                  s          s           s       oommmm
/admin/autocomplete/                                          s          s           s       ffmmmm
/admin/jsi18n/                                                s          s           s       oommmm
/admin/r/<path:content_type_id>/<path:object_id>/             s          s           s       r
/admin/^(?P<app_label>auth|images|analysis|mlmodels|accounts)/$  s       s           s       o
/admin/(?P<url>.*)$                                           s          s           s       n
/admin/auth/group/                                            s          s           s       o
/admin/auth/group/add/                                        s          s           s       o
/admin/auth/group/<path:object_id>/                           s          s           s       r
/admin/auth/group/<path:object_id>/change/                    s          s           s       o
/admin/auth/group/<path:object_id>/delete/                    s          s           s       o
/admin/auth/group/<path:object_id>/history/                   s          s           s       o
/admin/accounts/user/                                         s          s           s       o
/admin/accounts/user/add/                                     s          s           s       o
/admin/accounts/user/<path:object_id>/                        s          s           s       r
/admin/accounts/user/<path:object_id>/change/                 s          s           s       o
/admin/accounts/user/<path:object_id>/delete/                 s          s           s       o
/admin/accounts/user/<path:object_id>/history/                s          s           s       o
/admin/accounts/user/<id>/password/                           s          s           s       o
/admin/accounts/passwordresettoken/                           s          s           s       o
/admin/accounts/passwordresettoken/add/                       s          s           s       f
/admin/accounts/passwordresettoken/<path:object_id>/          s          s           s       r
/admin/accounts/passwordresettoken/<path:object_id>/change/   s          s           s       oofooo
/admin/accounts/passwordresettoken/<path:object_id>/delete/   s          s           s       o
/admin/accounts/passwordresettoken/<path:object_id>/history/  s          s           s       o
/admin/mlmodels/mlmodel/                                      s          s           s       o
/admin/mlmodels/mlmodel/add/                                  s          s           s       ooommm
/admin/mlmodels/mlmodel/add/labels/                           s          s           s       ooommm
/admin/mlmodels/mlmodel/<path:object_id>/                     s          s           s       r
/admin/mlmodels/mlmodel/<path:object_id>/change/              s          s           s       o
/admin/mlmodels/mlmodel/<path:object_id>/delete/              s          s           s       o
/admin/mlmodels/mlmodel/<path:object_id>/history/             s          s           s       o
/admin/mlmodels/mlmodel/<path:object_id>/exam/                s          s           s       oormmm
/admin/images/image/                                          s          s           s       o
/admin/images/image/add/                                      s          s           s       f
/admin/images/image/<path:object_id>/                         s          s           s       r
/admin/images/image/<path:object_id>/change/                  s          s           s       oofooo
/admin/images/image/<path:object_id>/delete/                  s          s           s       o
/admin/images/image/<path:object_id>/history/                 s          s           s       o
/admin/analysis/analysisqueue/                                s          s           s       o
/admin/analysis/analysisqueue/pause/                          s          s           s       mmrmmm
/admin/analysis/analysisqueue/resume/                         s          s           s       mmrmmm
/admin/analysis/analysisqueue/add/                            s          s           s       f
/admin/analysis/analysisqueue/<path:object_id>/               s          s           s       r
/admin/analysis/analysisqueue/<path:object_id>/change/        s          s           s       oofooo
/admin/analysis/analysisqueue/<path:object_id>/delete/        s          s           s       f
/admin/analysis/analysisqueue/<path:object_id>/history/       s          s           s       o
/admin/analysis/analysisresult/                               s          s           s       o
/admin/analysis/analysisresult/add/                           s          s           s       f
/admin/analysis/analysisresult/<path:object_id>/              s          s           s       r
/admin/analysis/analysisresult/<path:object_id>/change/       s          s           s       oofooo
/admin/analysis/analysisresult/<path:object_id>/delete/       s          s           s       f
/admin/analysis/analysisresult/<path:object_id>/history/      s          s           s       o
/admin/analysis/progresslog/                                  s          s           s       o
/admin/analysis/progresslog/add/                              s          s           s       f
/admin/analysis/progresslog/<path:object_id>/                 s          s           s       r
/admin/analysis/progresslog/<path:object_id>/change/          s          s           s       oofooo
/admin/analysis/progresslog/<path:object_id>/delete/          s          s           s       f
/admin/analysis/progresslog/<path:object_id>/history/         s          s           s       o
/admin/analysis/timelinelog/                                  s          s           s       o
/admin/analysis/timelinelog/add/                              s          s           s       f
/admin/analysis/timelinelog/<path:object_id>/                 s          s           s       r
/admin/analysis/timelinelog/<path:object_id>/change/          s          s           s       oofooo
/admin/analysis/timelinelog/<path:object_id>/delete/          s          s           s       f
/admin/analysis/timelinelog/<path:object_id>/history/         s          s           s       o
"""
(_, *ROLES), *LINES = (line.split() for line in TABLE_TEXT.strip().splitlines())
TABLE = {address: dict(zip(ROLES, cells, strict=True)) for address, *cells in LINES}
OF_A_PICTURE = [address for address in TABLE if address.startswith("/images/<int:pk>/")]


@pytest.fixture
def people(owner: User, other_user: User, staff: User) -> dict[str, User | None]:
    return {"anonymous": None, "other_user": other_user, "owner": owner, "staff": staff}


@pytest.fixture
def scene(owner: User, model: MLModel) -> Scene:
    return scene_of(owner, model)


def test_every_address_has_a_line_in_the_table() -> None:
    assert set(addresses()) == set(TABLE)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_meets_what_the_table_says_in_headers_that_protect(
    role: str, scene: Scene, people: dict[str, User | None]
) -> None:
    visitor = Visitor(people[role])
    met, faults = {}, []
    for address in TABLE:
        answers = [visitor.visit(verb, scene.path(address)) for verb in VERBS]
        letters = "".join(map(outcome, answers))
        met[address] = letters[0] if len(set(letters)) == 1 else letters
        faults += [
            (address, verb, found) for verb, a in zip(VERBS, answers, strict=True) if (found := header_faults(a))
        ]

    assert met == {address: cells[role] for address, cells in TABLE.items()}
    assert not faults


@pytest.mark.parametrize("role", ["anonymous", "other_user"])
def test_what_a_stranger_tries_changes_nothing(role: str, scene: Scene, people: dict[str, User | None]) -> None:
    def everything() -> dict[str, list[object]]:
        ours = [
            m for app in ("accounts", "mlmodels", "images", "analysis") for m in apps.get_app_config(app).get_models()
        ]
        return {model._meta.db_table: list(model._default_manager.order_by("pk").values()) for model in ours}

    visitor = Visitor(people[role])
    before = everything()

    for address in TABLE:
        for verb in VERBS:
            if not address.endswith("/logout/"):  # it would make the visitor anonymous for the rest
                visitor.visit_for_good(verb, scene.path(address))

    assert everything() == before


@pytest.mark.parametrize("address", OF_A_PICTURE)
@pytest.mark.parametrize("role", ["other_user", "staff"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_somebody_elses_picture_looks_like_one_that_never_was(
    address: str, role: str, accept: str, scene: Scene, people: dict[str, User | None]
) -> None:
    visitor = Visitor(people[role])
    absent = scene.image.pk + 1_000_000
    for verb in ("GET", "POST"):
        of_owner, of_nobody = (
            seen(visitor, verb, scene.path(address, image_id=image_id), accept) for image_id in (scene.image.pk, absent)
        )

        assert of_owner == of_nobody
        assert of_owner[0] in (404, 405)


def seen(visitor: Visitor, verb: str, path: str, accept: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer without what differs by nature: the asked path and forms' tokens."""
    answer = visitor.visit(verb, path, accept=accept)
    body = re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", answer.content.replace(path.encode(), b""))
    return answer.status_code, {k: v for k, v in answer.headers.items() if k != "Content-Length"}, body


@pytest.mark.parametrize(
    "address", [a for a, cells in TABLE.items() if cells["anonymous"] == "s" and "/admin/" not in a]
)
def test_a_program_that_has_not_signed_in_gets_401_as_json(address: str, scene: Scene) -> None:
    for verb in VERBS:
        answer = Visitor(None).visit(verb, scene.path(address), accept="application/json")

        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "application/json"
        assert verb == "HEAD" or b'"code": "sign_in_required"' in answer.content


def test_a_fragment_of_someone_who_has_signed_out_sends_the_whole_page_to_the_sign_in(scene: Scene) -> None:
    answer = Visitor(None).visit("GET", scene.path("/images/<int:pk>/timeline/"), hx_request="true")

    assert (answer.status_code, answer.headers["HX-Redirect"], answer.content) == (401, "/accounts/login/", b"")


@pytest.mark.parametrize("role", ROLES)
def test_nothing_can_be_posted_without_the_token_of_a_form(
    role: str, scene: Scene, people: dict[str, User | None]
) -> None:
    visitor = Visitor(people[role], enforce_csrf_checks=True)

    answers = {address: visitor.visit("POST", scene.path(address)).status_code for address in TABLE}

    assert answers == dict.fromkeys(TABLE, 403)


def test_a_form_with_its_token_is_taken(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    form = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/accounts/login/").content.decode())
    assert form

    filled = {"username": owner.username, "password": PASSWORD, "csrfmiddlewaretoken": form[1]}
    assert client.post("/accounts/login/", filled).status_code == 302
