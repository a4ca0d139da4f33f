"""`manage.py fetch_weights` as a person uses it."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import ROOT
from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import ModelSpec, PackagedWeights, StoredWeights
from mlmodels.tests.weights_server import Answer, WeightsServer, name_of, seeded_bytes

CONTENT = seeded_bytes(2_000_000)
DIGEST = sha256(CONTENT).hexdigest()
KEY = "resnet50:seeded"


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    with WeightsServer() as running:
        yield running


@pytest.fixture(autouse=True)
def weights_dir(tmp_path: Path, settings: Settings, db: None) -> Path:
    settings.WEIGHTS_DIR = tmp_path / "weights"
    return settings.WEIGHTS_DIR


@pytest.fixture
def resnet50(monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    """A catalogue entry for what the server publishes."""
    weights = StoredWeights(name_of(CONTENT, "resnet50"))
    spec = replace(catalogue.find("resnet50:1.0.0"), version="seeded", weights=weights)
    monkeypatch.setitem(catalogue.MODELS, KEY, spec)
    return spec


def run(*arguments: str, out: StringIO | None = None) -> tuple[int, str, str]:
    """Exit code, output and errors of the command."""
    out, errors = out or StringIO(), StringIO()
    try:
        call_command("fetch_weights", *arguments, stdout=out, stderr=errors, no_color=True)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue(), errors.getvalue()
    return 0, out.getvalue(), errors.getvalue()


def line_of(output: str, key: str) -> str:
    return next(line for line in output.splitlines() if line.startswith(key))


def test_without_arguments_every_model_is_listed_with_the_command_that_helps(
    server: WeightsServer, resnet50: ModelSpec, weights_dir: Path
) -> None:
    code, listed, _errors = run()
    assert code == 0
    assert all(line_of(listed, key) for key in catalogue.MODELS)
    assert line_of(listed, "efficientnet:1.0.0").split()[1:] == ["ready", "18.8", "MB"]
    assert line_of(listed, "vgg16:1.0.0").split(maxsplit=5)[1:] == [
        *("weights", "missing", "553.4", "MB"),
        "python manage.py fetch_weights vgg16:1.0.0",
    ]
    assert listed.splitlines()[-1] == "All of them: python manage.py fetch_weights --all"

    run(KEY, "--address", server.publish("a.pth", CONTENT))
    assert line_of(run()[1], KEY).split()[1:] == ["ready", "2.0", "MB"]

    (weights_dir / resnet50.weights.file).write_bytes(CONTENT[:-1])
    damaged = line_of(run()[1], KEY)
    assert "damaged" in damaged
    assert damaged.endswith(f"python manage.py fetch_weights {KEY}")


def test_an_unfinished_download_shows_in_the_list(server: WeightsServer, resnet50: ModelSpec) -> None:
    url = server.publish("a.pth", CONTENT, [Answer(cut_after_bytes=500_000), Answer(status=404)])
    run(KEY, "--address", url)

    assert line_of(run()[1], KEY).endswith("(0.5 MB are here)")


def test_a_package_that_is_not_installed_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = PackagedWeights(package="no_such_package", file="a.pth", sha256="")
    spec = replace(catalogue.find("efficientnet:1.0.0"), weights=lost)
    monkeypatch.setitem(catalogue.MODELS, spec.key, spec)

    assert line_of(run()[1], spec.key).endswith("--no-deps no-such-package")
    code, _out, errors = run(spec.key)
    assert code == 1
    assert "no-such-package" in errors


def test_a_pipe_gets_a_line_for_every_tenth(server: WeightsServer, resnet50: ModelSpec) -> None:
    code, out, errors = run(KEY, "--address", server.publish("a.pth", CONTENT))

    assert (code, errors) == (0, "")
    assert "\r" not in out
    lines = out.splitlines()
    assert lines[-1] == f"{KEY} is ready."
    assert lines[-2] == f"{KEY}  100 %  2.0 of 2.0 MB"
    assert len(lines) <= 12


def test_a_terminal_gets_a_bar_that_ends_full(server: WeightsServer, resnet50: ModelSpec) -> None:
    _code, out, _errors = run(KEY, "--address", server.publish("a.pth", CONTENT), out=Terminal())

    assert f"{KEY}  [####################]  100 %  2.0 of 2.0 MB" in out.rpartition("\r")[2]
    assert out.endswith(f"\n{KEY} is ready.\n")


def test_a_bar_without_a_known_end_counts_only(server: WeightsServer, resnet50: ModelSpec) -> None:
    url = server.publish("a.pth", CONTENT, [Answer(says_length=False)])
    _code, out, _errors = run(KEY, "--address", url, out=Terminal())

    assert "[" not in out.replace("\033[K", "")
    assert out.endswith(f"\n{KEY} is ready.\n")


def test_a_second_attempt_is_announced(server: WeightsServer, resnet50: ModelSpec) -> None:
    url = server.publish("a.pth", CONTENT, [Answer(cut_after_bytes=1_000_000)])
    code, out, _errors = run(KEY, "--address", url)

    assert code == 0
    assert "broke at 1.0 MB. Trying again in 1 s." in out


def test_a_failure_is_one_sentence_and_code_one(server: WeightsServer, resnet50: ModelSpec) -> None:
    code, out, errors = run(KEY, "--address", f"{server.url}/gone.pth")

    assert code == 1
    assert "ready" not in out
    assert errors == f"{KEY}: {server.url}/gone.pth does not exist (404).\n"


def test_no_network_names_the_way_without(resnet50: ModelSpec) -> None:
    code, _out, errors = run(KEY, "--address", "https://weights.invalid/a.pth")

    assert code == 1
    assert errors.startswith(f"{KEY}: weights.invalid cannot be reached: ")
    assert errors.endswith("copy the file from another machine: python manage.py fetch_weights --from FOLDER\n")


def test_one_failure_does_not_keep_the_next_model_from_coming(tmp_path: Path, resnet50: ModelSpec) -> None:
    (tmp_path / resnet50.weights.file).write_bytes(CONTENT)
    code, out, errors = run("vgg16:1.0.0", KEY, "--from", str(tmp_path))

    assert code == 1
    assert errors.startswith("vgg16:1.0.0: ")
    assert f"{KEY} is ready." in out


def test_a_folder_alone_gives_all_that_it_holds(tmp_path: Path, resnet50: ModelSpec) -> None:
    (tmp_path / resnet50.weights.file).write_bytes(CONTENT)
    code, out, _errors = run("--from", str(tmp_path))

    assert code == 0
    assert out.splitlines()[-1] == f"{KEY} is ready."
    assert "vgg16" not in out


def test_a_folder_that_should_give_all_and_lacks_some_is_a_failure(tmp_path: Path, resnet50: ModelSpec) -> None:
    (tmp_path / resnet50.weights.file).write_bytes(CONTENT)
    code, out, errors = run("--all", "--from", str(tmp_path))

    assert code == 1
    assert f"{KEY} is ready." in out
    assert "vgg16-397923af.pth" in errors


def test_a_packaged_model_is_ready_without_a_download() -> None:
    assert run("efficientnet:1.0.0")[:2] == (0, "efficientnet:1.0.0 is ready.\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["vgg19:1.0.0"], "There is no model 'vgg19:1.0.0'. There are: efficientnet:1.0.0, "),
        (["--all", "vgg16:1.0.0"], "Name the models or say --all, not both."),
        (["--from", "/no/such/folder"], "/no/such/folder is not a folder."),
        (["--from", "/proc/self/fd"], "holds the weights of no model"),
        (["--address", "https://a.invalid/"], "--address goes with exactly one model"),
        (["--sha256", "abc", "vgg16:1.0.0"], "--sha256"),
        (["--address", "https://a.invalid/", "--sha256", "xyz", "vgg16:1.0.0"], "--sha256"),
    ],
)
def test_a_slip_of_the_pen_is_explained(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError) as refused:
        run(*arguments)
    assert sentence in str(refused.value)


def test_the_real_command_draws_on_a_real_terminal_and_needs_no_database(
    server: WeightsServer, weights_dir: Path, tmp_path: Path
) -> None:
    url = server.publish("open_clip_model.safetensors", CONTENT)
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        process = start(url, tmp_path, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = read_to_end(terminal.fileno())
        assert process.wait() == 0, shown

    assert "[####################]  100 %" in shown
    assert shown.endswith("clip:1.0.0 is ready.\r\n")
    assert (weights_dir / "clip-1.0.0.safetensors").read_bytes() == CONTENT


def test_ctrl_c_keeps_what_has_arrived(server: WeightsServer, weights_dir: Path, tmp_path: Path) -> None:
    url = server.publish("open_clip_model.safetensors", CONTENT, [Answer(stall_after_bytes=1_000_000)])
    part = weights_dir / "clip-1.0.0.safetensors.part"
    process = start(url, tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: part.exists() and part.stat().st_size == 1_000_000, "nothing came", seconds=60)
    process.send_signal(signal.SIGINT)
    _out, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert errors.decode().endswith("Stopped. The next run goes on from here.\n")
    assert part.stat().st_size == 1_000_000


def start(url: str, folder: Path, *, stdout: int, stderr: int) -> subprocess.Popen[bytes]:
    """The command in a process of its own, with a data folder and weights folder in `folder` and no database."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "fetch_weights", "clip:1.0.0", "--address", url, "--sha256", DIGEST],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "imageanalysis.settings",
            "DATA_DIR": str(folder / "data"),
            "WEIGHTS_DIR": str(folder / "weights"),
            "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        },
        stdout=stdout,
        stderr=stderr,
    )


def read_to_end(descriptor: int) -> str:
    """Everything until the other side of a terminal is closed, which Linux reports as an error."""
    chunks = []
    try:
        while chunk := os.read(descriptor, 65536):
            chunks.append(chunk)
    except OSError:
        pass
    return b"".join(chunks).decode()
