"""Fixtures for the whole suite: people, a model, a folder for media, servers of one's own, a real worker."""

import logging
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from accounts.models import User
from accounts.tests.clients import client_of
from accounts.tests.factories import UserFactory
from analysis import routing
from analysis.lanes import EVERYTHING
from imageanalysis.tests import fault_runs as fault_runs_
from imageanalysis.tests.fault_runs import FaultRun
from imageanalysis.tests.log_review import REVIEW
from imageanalysis.tests.scheduling import StretchScheduling
from imageanalysis.tests.servers import Broker, PostgreSQL, Worker
from mlmodels import label_names
from mlmodels.models import MLModel
from mlmodels.tests import teaching
from mlmodels.tests.factories import MLModelFactory
from mlmodels.tests.teaching import Lesson

# What takes minutes, whoever waits for it.
LONGEST = {"fault_runs", "tiny_clip_lesson"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have tests that wait for long begin before others of their kind: the last to end would be waited for alone."""
    items.sort(key=lambda item: LONGEST.isdisjoint(getattr(item, "fixturenames", ())))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> StretchScheduling:
    return StretchScheduling(config, log)


@pytest.fixture(autouse=True)
def media_of_its_own(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    return settings.MEDIA_ROOT


@pytest.fixture(autouse=True)
def undedicated_workers() -> None:
    """Nobody asks the database which lanes are served, at a moment that no test knows; one on lanes lets them ask."""
    routing.living.keep((EVERYTHING,), seconds=math.inf)


@pytest.fixture(autouse=True)
def added_models_with_words_of_their_own() -> None:
    """Nor which added models have ImageNet's labels; one on their names lets them ask."""
    label_names.columns_of_added.keep({}, seconds=math.inf)


@pytest.fixture(autouse=True)
def language_of_its_own() -> Iterator[None]:
    """A request in another language leaves it active in the thread."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def no_secret_in_the_logs() -> Iterator[None]:
    root = logging.getLogger()
    if REVIEW not in root.handlers:
        root.addHandler(REVIEW)
    yield
    REVIEW.close_test()


@pytest.fixture(scope="session")
def fault_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, FaultRun]]:
    with fault_runs_.begun(tmp_path_factory.mktemp("faults")) as runs:
        yield runs


@pytest.fixture(scope="session")
def tiny_clip_lesson(request: pytest.FixtureRequest) -> Iterator[Lesson]:
    cache: Path = request.config.cache.mkdir("tiny-clip")
    with teaching.begun(cache) as lesson:
        yield lesson


@pytest.fixture
def owner(db: None) -> User:
    return UserFactory.create(username="owner")


@pytest.fixture
def other_user(db: None) -> User:
    return UserFactory.create(username="other_user")


@pytest.fixture
def staff(db: None) -> User:
    return UserFactory.create(username="staff", is_staff=True, is_superuser=True)


@pytest.fixture
def model(db: None) -> MLModel:
    return MLModelFactory.create()


@pytest.fixture
def owner_client(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def staff_client(staff: User) -> Client:
    return client_of(staff)


@pytest.fixture(scope="session")
def postgresql_is_here() -> None:
    if PostgreSQL.binaries() is None:
        pytest.skip("PostgreSQL is not installed here (Debian: apt-get install postgresql)")


@pytest.fixture(scope="session")
def postgresql(postgresql_is_here: None) -> Iterator[PostgreSQL]:
    """A private PostgreSQL server for the session."""
    with PostgreSQL(Path(tempfile.gettempdir())) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database for processes of their own, on each kind of server in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'own.sqlite3'}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.new_database()


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """The embedded broker where the settings expect it."""
    with Broker(django_settings.BROKER_SOCKET, django_settings.DATA_DIR) as running:
        yield running


@pytest.fixture(scope="module")
def worker_of_module(
    django_db_setup: None, broker: Broker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worker]:
    with Worker(media_root=tmp_path_factory.mktemp("worker") / "media") as running:
        yield running


@pytest.fixture
def worker(transactional_db: None, worker_of_module: Worker, settings: Settings) -> Worker:
    """A real Celery worker on this test's database and broker, shared by the tests of one module."""
    settings.MEDIA_ROOT = worker_of_module.media_root
    return worker_of_module
