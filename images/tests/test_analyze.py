"""`manage.py analyze` goes through the same door, queue and workers as the browser."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from imageanalysis.tests.servers import Worker
from images.models import Image
from images.tests.factories import PHOTOGRAPHS, drawn_picture
from mlmodels.models import MLModel


def analyze(*words: str) -> tuple[str, str, int]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("analyze", *words, stdout=out, stderr=err)
    except SystemExit as exit_:
        return out.getvalue(), err.getvalue(), int(exit_.code or 0)
    return out.getvalue(), err.getvalue(), 0


def test_it_prints_the_labels_that_the_workers_found(worker: Worker, staff: User, model: MLModel) -> None:
    coffee, cat = str(PHOTOGRAPHS / "coffee.png"), str(PHOTOGRAPHS / "chelsea.png")

    out, _err, code = analyze(coffee, cat, "--json")  # a worker that is slow to start is spoken of in err

    stories = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [story["filename"] for story in stories] == ["coffee.png", "chelsea.png"]
    assert stories[0]["results"][0]["label"] == "espresso"
    assert "cat" in stories[1]["results"][0]["label"]


def test_a_bad_file_is_named_and_does_not_stop_the_good_one(staff: User, model: MLModel, tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(drawn_picture())
    (tmp_path / "bad.png").write_bytes(b"no picture")

    out, err, code = analyze("--no-wait", *(str(tmp_path / name) for name in ("bad.png", "absent.png", "good.png")))

    assert code == 1
    assert [line.rpartition(".png:")[0].rpartition("/")[2] for line in err.splitlines()] == ["bad", "absent"]
    assert out.startswith("good.png  Waiting")
    assert Image.objects.get().user == staff


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--user", "nobody"], "no user 'nobody'"),
        (["--model", "vgg16:9"], "not offered"),
        (["--priority", "soon"], "not offered"),
    ],
)
def test_a_wrong_wish_is_one_sentence(words: list[str], sentence: str, staff: User, model: MLModel) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("analyze", str(PHOTOGRAPHS / "coffee.png"), *words)
    assert Image.objects.count() == 0


def test_without_an_account_it_says_how_to_make_one(model: MLModel) -> None:
    with pytest.raises(CommandError, match="Register in the browser"):
        call_command("analyze", str(PHOTOGRAPHS / "coffee.png"))
