"""What the house's rules say about imports and about who writes states."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from imageanalysis.tests.servers import ROOT

APPS = ("accounts", "mlmodels", "images", "analysis", "imageanalysis")
HEAVY = {"torch", "torchvision", "timm", "open_clip", "skimage", "openvino", "onnxruntime", "efficientnet_lite_pytorch"}
# The one writer: what workers do to runs, what people wish for entries that wait, and the rows that both write.
LIFECYCLE = {"analysis/lifecycle.py", "analysis/wishes.py", "analysis/records.py"}
TABLES_OF_THE_LIFECYCLE = {"AnalysisQueue", "TimelineLog"}
WRITES = {"create", "bulk_create", "update", "bulk_update", "get_or_create", "update_or_create", "delete", "save"}

A_WEB_PROCESS = """
from imageanalysis.wsgi import application
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from PIL import Image as Pillow
import io
from images.models import Image

file = io.BytesIO()
Pillow.new("RGB", (64, 48)).save(file, "PNG")
call_command("migrate", verbosity=0)
client = Client(headers={"host": "localhost"})
assert client.get("/accounts/login/").status_code == 200
password = {"password1": "correct horse battery", "password2": "correct horse battery"}
client.post("/accounts/register/", {"username": "first", "email": "first@example.org", **password})
client.post("/images/upload/", {"files": SimpleUploadedFile("a.png", file.getvalue())})
assert client.get(f"/images/{Image.objects.get().pk}/").status_code == 200
"""
A_WORKERS_PARENT = """
from imageanalysis.celery import app
app.loader.import_default_modules()
assert "analysis.look_at_queue" in app.tasks
"""
AN_ENGINE = "import mlmodels.inference.engine, mlmodels.inference.pictures"


def modules_after(script: str, folder: Path) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after a script."""
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "CELERY_BROKER_URL")},
        "DJANGO_SETTINGS_MODULE": "imageanalysis.settings",
        "DATA_DIR": str(folder / "data"),
        "MEDIA_ROOT": str(folder / "media"),
    }
    argv = [sys.executable, "-c", f"{script}\nimport sys\nprint(*sys.modules)"]
    run = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return {name.partition(".")[0] for name in run.stdout.split()}


def test_a_web_process_that_took_a_picture_in_has_not_loaded_torch(tmp_path: Path) -> None:
    loaded = modules_after(A_WEB_PROCESS, tmp_path)

    assert not loaded & HEAVY


def test_a_workers_parent_has_not_loaded_torch(tmp_path: Path) -> None:
    loaded = modules_after(A_WORKERS_PARENT, tmp_path)

    assert "celery" in loaded
    assert not loaded & HEAVY


def test_the_engine_needs_no_django_no_celery_and_no_database(tmp_path: Path) -> None:
    loaded = modules_after(AN_ENGINE, tmp_path)

    assert "PIL" in loaded
    assert not loaded & HEAVY
    assert not loaded & {"django", "celery", "redis", "kombu", "sqlite3", "psycopg"}


def sources() -> Iterator[Path]:
    """The application's own modules, without tests and migrations."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if not {"tests", "migrations"} & set(path.relative_to(ROOT).parts):
                yield path


def writes_of_states(tree: ast.AST) -> Iterator[str]:
    """Every place where a module assigns a state, or writes a table that the lifecycle alone writes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_state(node.attr):
            yield f"line {node.lineno}: .{node.attr} = …"
        if isinstance(node, ast.Call):
            yield from writes_of_call(node)


def writes_of_call(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    states = [keyword.arg for keyword in call.keywords if keyword.arg and is_state(keyword.arg)]
    if states and name in WRITES | TABLES_OF_THE_LIFECYCLE | {"Image"}:
        yield f"line {call.lineno}: {name}({states[0]}=…)"
    if name in WRITES and root_of(call.func) in TABLES_OF_THE_LIFECYCLE | {"pictures"}:
        yield f"line {call.lineno}: {root_of(call.func)}…{name}(…)"
    if name in ("setattr", "__setattr__") and any(
        isinstance(a, ast.Constant) and is_state(str(a.value)) for a in call.args
    ):
        yield f"line {call.lineno}: setattr"


def is_state(name: str) -> bool:
    return name == "status" or name.endswith("_step_status")


def root_of(node: ast.AST) -> str:
    """The name at the beginning of a chain such as `Model.objects.filter(…).update`."""
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else ""


def test_only_the_lifecycle_writes_states() -> None:
    found = {
        str(path.relative_to(ROOT)): list(writes_of_states(ast.parse(path.read_text(encoding="utf-8"))))
        for path in sources()
    }

    assert {path: writes for path, writes in found.items() if writes and path not in LIFECYCLE} == {}
    assert all(found[path] for path in LIFECYCLE)


def test_only_the_lifecycle_writes_rows_of_runs() -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in sources()
        if re.search(r"\b(set_timelines|set_images)\b", path.read_text(encoding="utf-8"))
    }

    assert users == LIFECYCLE


@pytest.mark.parametrize(
    "line",
    [
        "entry.status = 'completed'",
        "Image.objects.filter(pk=1).update(status='success')",
        "Image(status='success')",
        "AnalysisQueue.objects.filter(pk=1).select_for_update().delete()",
        "TimelineLog.objects.update(analysis_step_title='Done')",
        "pictures.update([1], error_log='')",
        "setattr(image, 'status', 'success')",
    ],
)
def test_the_search_for_writes_of_states_finds_them(line: str) -> None:
    assert list(writes_of_states(ast.parse(line)))


def test_there_is_one_broad_except_and_it_is_the_runners() -> None:
    broad = {
        str(path.relative_to(ROOT))
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException"))
    }

    assert broad == {"analysis/runner.py"}


def test_imports_stand_at_the_top_but_for_torch_and_what_brings_it() -> None:
    hidden = {
        str(path.relative_to(ROOT))
        for path in sources()
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }

    assert {path for path in hidden if not path.startswith("mlmodels/inference/")} == set()
