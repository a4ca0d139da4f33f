"""Who may do what where: every address, every role, every verb, in one table."""

import re

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from imageanalysis.tests.visits import VERBS, Scene, Visitor, addresses, header_faults, outcome, scene_of
from mlmodels.models import MLModel

# One line per address; per role what GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS meet, one letter for all alike:
# o 200, s to a sign-in page, r to elsewhere, f 403, n 404, m 405, u 503 (no worker runs here). The pictures belong to
# `owner`; of the staff the clerk has no permission, the manager every single one. Whose account is switched off meets
# what anonymous meets.
TABLE_TEXT = """
address                                                        anonymous other_user owner   clerk   manager superuser
/                                                              s         oommmmm    oommmmm oommmmm oommmmm oommmmm
/healthz                                                       oommmmm   oommmmm    oommmmm oommmmm oommmmm oommmmm
/readyz                                                        uummmmm   uummmmm    uummmmm uummmmm uummmmm uummmmm
/metrics                                                       nnmmmmm   nnmmmmm    nnmmmmm nnmmmmm nnmmmmm nnmmmmm
/language/                                                     r         r          r       r       r       r
/accounts/register/                                            oooommo   r          r       r       r       r
/accounts/login/                                               oooommo   r          r       r       r       r
/accounts/password-reset/                                      oooommo   oooommo    oooommo oooommo oooommo oooommo
/accounts/password-reset/sent/                                 oommmmo   oommmmo    oommmmo oommmmo oommmmo oommmmo
/accounts/password-reset/new/                                  n         n          n       n       n       n
/accounts/password-reset/done/                                 oommmmo   oommmmo    oommmmo oommmmo oommmmo oommmmo
/accounts/password-reset/<str:token>/                          rrnnnnn   rrnnnnn    rrnnnnn rrnnnnn rrnnnnn rrnnnnn
/accounts/logout/                                              s         mmrmmmo    mmrmmmo mmrmmmo mmrmmmo mmrmmmo
/accounts/profile/                                             s         oommmmm    oommmmm oommmmm oommmmm oommmmm
/accounts/profile/email/                                       s         rrommmm    rrommmm rrommmm rrommmm rrommmm
/accounts/profile/password/                                    s         rrommmm    rrommmm rrommmm rrommmm rrommmm
/accounts/profile/theme/                                       s         mmrmmmm    mmrmmmm mmrmmmm mmrmmmm mmrmmmm
/accounts/profile/sessions/end/                                s         mmrmmmm    mmrmmmm mmrmmmm mmrmmmm mmrmmmm
/accounts/profile/sessions/end-others/                         s         mmrmmmm    mmrmmmm mmrmmmm mmrmmmm mmrmmmm
/accounts/profile/data/                                        s         oormmmm    oormmmm oormmmm oormmmm oormmmm
/accounts/profile/data/file/                                   s         nnmmmmm    nnmmmmm nnmmmmm nnmmmmm nnmmmmm
/accounts/profile/delete/                                      s         ooommmm    ooommmm ooommmm ooommmm ooommmm
/accounts/goodbye/                                             oommmmm   oommmmm    oommmmm oommmmm oommmmm oommmmm
/images/                                                       s         oommmmm    oommmmm oommmmm oommmmm oommmmm
/images/batch/                                                 s         mmrmmmm    mmrmmmm mmrmmmm mmrmmmm mmrmmmm
/images/export/                                                s         oormmmm    oormmmm oormmmm oormmmm oormmmm
/images/undo/                                                  s         mmrmmmm    mmrmmmm mmrmmmm mmrmmmm mmrmmmm
/images/cancel-waiting/                                        s         mmrmmmm    mmrmmmm mmrmmmm mmrmmmm mmrmmmm
/images/results.json                                           s         oommmmm    oommmmm oommmmm oommmmm oommmmm
/images/live/                                                  s         ommmmmm    ommmmmm ommmmmm ommmmmm ommmmmm
/images/upload/                                                s         oormmmm    oormmmm oormmmm oormmmm oormmmm
/images/<key:pk>/                                              s         nnmmmmm    oommmmm nnmmmmm nnmmmmm nnmmmmm
/images/<key:pk>/timeline/                                     s         nnmmmmm    oommmmm nnmmmmm nnmmmmm nnmmmmm
/images/<key:pk>/results.json                                  s         nnmmmmm    oommmmm nnmmmmm nnmmmmm nnmmmmm
/images/<key:pk>/heat-map/                                     s         nnnmmmm    nnnmmmm nnnmmmm nnnmmmm nnnmmmm
/images/<key:pk>/heat-map/overlay.png                          s         nnmmmmm    nnmmmmm nnmmmmm nnmmmmm nnmmmmm
/images/<key:pk>/file/                                         s         nnmmmmm    oommmmm nnmmmmm nnmmmmm nnmmmmm
/images/<key:pk>/thumbnail/                                    s         nnmmmmm    oommmmm nnmmmmm nnmmmmm nnmmmmm
/images/<key:pk>/analyze/                                      s         mmnmmmm    mmrmmmm mmnmmmm mmnmmmm mmnmmmm
/images/<key:pk>/cancel/                                       s         mmnmmmm    mmrmmmm mmnmmmm mmnmmmm mmnmmmm
/images/<key:pk>/retry/                                        s         mmnmmmm    mmrmmmm mmnmmmm mmnmmmm mmnmmmm
/images/<key:pk>/delete/                                       s         mmnmmmm    mmrmmmm mmnmmmm mmnmmmm mmnmmmm
/admin/                                                        s         s          s       o       o       o
/admin/desk/                                                   s         s          s       oommmmm oommmmm oommmmm
/admin/doctor/                                                 s         s          s       oommmmm oommmmm oommmmm
/admin/doctor/mail/                                            s         s          s       mmrmmmm mmrmmmm mmrmmmm
/admin/login/                                                  oooommo   oooommo    oooommo rooommo rooommo rooommo
/admin/logout/                                                 s         r          r       mmrmmmo mmrmmmo mmrmmmo
/admin/password_change/                                        s         s          s       r       r       r
/admin/password_change/done/                                   s         s          s       oommmmo oommmmo oommmmo
/admin/autocomplete/                                           s         s          s       ffmmmmo ffmmmmo ffmmmmo
/admin/jsi18n/                                                 s         s          s       oommmmo oommmmo oommmmo
/admin/r/<path:content_type_id>/<path:object_id>/              s         s          s       r       r       r
/admin/^(?P<app_label>auth|accounts|images|analysis|mlmodels)/$ s         s          s       n       o       o
/admin/(?P<url>.*)$                                            s         s          s       n       n       n
/admin/auth/group/                                             s         s          s       f       o       o
/admin/auth/group/add/                                         s         s          s       f       o       o
/admin/auth/group/<path:object_id>/                            s         s          s       r       r       r
/admin/auth/group/<path:object_id>/change/                     s         s          s       f       o       o
/admin/auth/group/<path:object_id>/delete/                     s         s          s       f       o       o
/admin/auth/group/<path:object_id>/history/                    s         s          s       f       o       o
/admin/accounts/user/                                          s         s          s       f       o       o
/admin/accounts/user/add/                                      s         s          s       f       o       o
/admin/accounts/user/<path:object_id>/                         s         s          s       r       r       r
/admin/accounts/user/<path:object_id>/change/                  s         s          s       f       o       o
/admin/accounts/user/<path:object_id>/delete/                  s         s          s       f       o       o
/admin/accounts/user/<path:object_id>/history/                 s         s          s       f       o       o
/admin/accounts/user/<int:user_id>/reset-link/                 s         s          s       mmfmmmm mmommmm mmommmm
/admin/accounts/passwordresettoken/                            s         s          s       f       o       o
/admin/accounts/passwordresettoken/add/                        s         s          s       f       f       f
/admin/accounts/passwordresettoken/<path:object_id>/           s         s          s       r       r       r
/admin/accounts/passwordresettoken/<path:object_id>/change/    s         s          s       f       oofoooo oofoooo
/admin/accounts/passwordresettoken/<path:object_id>/delete/    s         s          s       f       o       o
/admin/accounts/passwordresettoken/<path:object_id>/history/   s         s          s       f       o       o
/admin/mlmodels/mlmodel/                                       s         s          s       f       o       o
/admin/mlmodels/mlmodel/add/                                   s         s          s       f       ooommmm ooommmm
/admin/mlmodels/mlmodel/add/labels/                            s         s          s       f       ooommmm ooommmm
/admin/mlmodels/mlmodel/add/back/                              s         s          s       mmfmmmm mmnmmmm mmnmmmm
/admin/mlmodels/mlmodel/<path:object_id>/                      s         s          s       r       r       r
/admin/mlmodels/mlmodel/<path:object_id>/change/               s         s          s       f       o       o
/admin/mlmodels/mlmodel/<path:object_id>/delete/               s         s          s       f       o       o
/admin/mlmodels/mlmodel/<path:object_id>/history/              s         s          s       f       o       o
/admin/mlmodels/mlmodel/<int:object_id>/condition/             s         s          s       ffmmmmm oommmmm oommmmm
/admin/mlmodels/mlmodel/<int:object_id>/weights/               s         s          s       mmfmmmm mmrmmmm mmrmmmm
/admin/mlmodels/mlmodel/<int:object_id>/exam/                  s         s          s       mmfmmmm mmrmmmm mmrmmmm
/admin/images/image/                                           s         s          s       f       o       o
/admin/images/image/add/                                       s         s          s       f       f       f
/admin/images/image/<path:object_id>/                          s         s          s       r       r       r
/admin/images/image/<path:object_id>/change/                   s         s          s       f       oofoooo oofoooo
/admin/images/image/<path:object_id>/delete/                   s         s          s       f       o       o
/admin/images/image/<path:object_id>/history/                  s         s          s       f       o       o
/admin/analysis/analysisqueue/                                 s         s          s       f       o       o
/admin/analysis/analysisqueue/pause/                           s         s          s       mmfmmmm mmrmmmm mmrmmmm
/admin/analysis/analysisqueue/resume/                          s         s          s       mmfmmmm mmrmmmm mmrmmmm
/admin/analysis/analysisqueue/<int:entry_id>/wish/<slug:wish>/ s         s          s       mmfmmmm mmrmmmm mmrmmmm
/admin/analysis/analysisqueue/add/                             s         s          s       f       f       f
/admin/analysis/analysisqueue/<path:object_id>/                s         s          s       r       r       r
/admin/analysis/analysisqueue/<path:object_id>/change/         s         s          s       f       oofoooo oofoooo
/admin/analysis/analysisqueue/<path:object_id>/delete/         s         s          s       f       f       f
/admin/analysis/analysisqueue/<path:object_id>/history/        s         s          s       f       o       o
/admin/analysis/analysisresult/                                s         s          s       f       o       o
/admin/analysis/analysisresult/add/                            s         s          s       f       f       f
/admin/analysis/analysisresult/<path:object_id>/               s         s          s       r       r       r
/admin/analysis/analysisresult/<path:object_id>/change/        s         s          s       f       oofoooo oofoooo
/admin/analysis/analysisresult/<path:object_id>/delete/        s         s          s       f       f       f
/admin/analysis/analysisresult/<path:object_id>/history/       s         s          s       f       o       o
/admin/analysis/progresslog/                                   s         s          s       f       o       o
/admin/analysis/progresslog/add/                               s         s          s       f       f       f
/admin/analysis/progresslog/<path:object_id>/                  s         s          s       r       r       r
/admin/analysis/progresslog/<path:object_id>/change/           s         s          s       f       oofoooo oofoooo
/admin/analysis/progresslog/<path:object_id>/delete/           s         s          s       f       f       f
/admin/analysis/progresslog/<path:object_id>/history/          s         s          s       f       o       o
/admin/analysis/timelinelog/                                   s         s          s       f       o       o
/admin/analysis/timelinelog/add/                               s         s          s       f       f       f
/admin/analysis/timelinelog/<path:object_id>/                  s         s          s       r       r       r
/admin/analysis/timelinelog/<path:object_id>/change/           s         s          s       f       oofoooo oofoooo
/admin/analysis/timelinelog/<path:object_id>/delete/           s         s          s       f       f       f
/admin/analysis/timelinelog/<path:object_id>/history/          s         s          s       f       o       o
"""
(_, *ROLES), *LINES = (line.split() for line in TABLE_TEXT.strip().splitlines())
TABLE = {address: dict(zip(ROLES, cells, strict=True)) for address, *cells in LINES}
ROLES_LIKE = {role: role for role in ROLES} | {"disabled": "anonymous"}
OF_A_PICTURE = [address for address in TABLE if address.startswith("/images/<key:pk>/")]


@pytest.fixture
def people(owner: User, other_user: User, staff: User) -> dict[str, User | None]:
    clerk, manager = (UserFactory.create(username=name, is_staff=True) for name in ("clerk", "manager"))
    manager.user_permissions.set(Permission.objects.all())
    disabled = UserFactory.create(username="disabled", is_staff=True, is_superuser=True, is_active=False)
    others = {"clerk": clerk, "manager": manager, "superuser": staff, "disabled": disabled}
    return {"anonymous": None, "other_user": other_user, "owner": owner, **others}


@pytest.fixture
def scene(owner: User, model: MLModel) -> Scene:
    return scene_of(owner, model)


def test_every_address_has_a_line_in_the_table() -> None:
    assert set(addresses()) == set(TABLE)


@pytest.mark.parametrize("role", ROLES_LIKE)
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

    assert met == {address: cells[ROLES_LIKE[role]] for address, cells in TABLE.items()}
    assert not faults


def everything() -> dict[str, list[object]]:
    """All rows of our tables but those that say who is signed in since when."""
    names = ("accounts", "mlmodels", "images", "analysis")
    ours = [model for name in names for model in apps.get_app_config(name).get_models()]
    return {
        model._meta.db_table: list(model._default_manager.order_by("pk").values())
        for model in ours
        if model._meta.db_table != "accounts_sessions"
    }


@pytest.mark.parametrize("role", ["anonymous", "other_user", "clerk"])
def test_what_a_stranger_tries_changes_nothing(role: str, scene: Scene, people: dict[str, User | None]) -> None:
    visitor = Visitor(people[role])
    before = everything()

    for address in TABLE:
        for verb in VERBS:
            if not address.endswith("/logout/"):  # it would make the visitor anonymous for the rest
                visitor.visit_for_good(verb, scene.path(address))

    assert everything() == before


@pytest.mark.parametrize("role", ["owner", "superuser"])
def test_looking_changes_nothing(role: str, scene: Scene, people: dict[str, User | None]) -> None:
    visitor = Visitor(people[role])
    before = everything()

    for address in TABLE:
        for verb in ("GET", "HEAD", "OPTIONS"):
            visitor.visit_for_good(verb, scene.path(address))

    assert everything() == before


@pytest.mark.parametrize("number", [2**31, 2**63, 10**40])
def test_a_picture_of_a_number_that_no_row_can_have_is_not_there(number: int, scene: Scene, owner: User) -> None:
    visitor = Visitor(owner)

    met = {outcome(visitor.visit(verb, scene.path(at, image_id=number))) for at in OF_A_PICTURE for verb in VERBS}

    assert met == ({"n", "m"} if number < 10**18 else {"n"})


@pytest.mark.parametrize("address", OF_A_PICTURE)
@pytest.mark.parametrize("role", ["other_user", "superuser"])
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
    answer = Visitor(None).visit("GET", scene.path("/images/<key:pk>/timeline/"), hx_request="true")

    assert (answer.status_code, answer.headers["HX-Redirect"], answer.content) == (401, "/accounts/login/", b"")


@pytest.mark.parametrize("role", ROLES)
def test_nothing_can_be_posted_without_the_token_of_a_form(
    role: str, scene: Scene, people: dict[str, User | None]
) -> None:
    visitor = Visitor(people[role], enforce_csrf_checks=True)

    answers = {address: visitor.visit("POST", scene.path(address)).status_code for address in TABLE}

    for_staff = ["/admin/mlmodels/mlmodel/add/", "/admin/mlmodels/mlmodel/add/labels/"]
    asks_first_who_is_there = {
        "anonymous": ["/images/upload/", *for_staff],
        "other_user": for_staff,
        "owner": for_staff,
    }
    assert answers == dict.fromkeys(TABLE, 403) | dict.fromkeys(asks_first_who_is_there.get(role, ()), 302)


def test_a_form_with_its_token_is_taken(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    form = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/accounts/login/").content.decode())
    assert form

    filled = {"username": owner.username, "password": PASSWORD, "csrfmiddlewaretoken": form[1]}
    assert client.post("/accounts/login/", filled).status_code == 302
