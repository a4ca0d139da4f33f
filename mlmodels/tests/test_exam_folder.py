"""What is taken over from a child that may have been taken over itself."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mlmodels.inference import converted_models
from mlmodels.inference.confinement.sandbox import Limits
from mlmodels.inference.converted_models import ConvertedModels, Record
from mlmodels.inference.errors import CheckpointError
from mlmodels.inference.exams import exam_child, exam_folder
from mlmodels.inference.exams.exam_messages import Heard, Request
from mlmodels.inference.options import Options, cpu_precisions
from mlmodels.tests import custom_models

SHA256 = "5" * 64


@pytest.fixture
def request_of_child(tmp_path: Path) -> Request:
    folder, cache_dir = tmp_path / "converted" / "exam-1", tmp_path / "converted"
    (folder / "cache").mkdir(parents=True)
    return Request(
        spec=custom_models.spec("timm/test_resnet"),
        checkpoint=tmp_path / "x.pth",
        is_torchs=True,
        folder=folder,
        cache_dir=cache_dir,
        closed=(),
        options=Options(),
        limits=Limits(memory_bytes=2**32, address_bytes=2**33, file_bytes=2**30, cpu_seconds=60),
    )


def place(request: Request) -> str:
    return converted_models.place(request.spec, SHA256, cpu_precisions())


def converted(request: Request, folder: Path, *, labels: tuple[str, ...] = custom_models.LABELS) -> Path:
    """What a conversion leaves in `folder`, as far as taking it over goes."""
    store = ConvertedModels(folder)
    with store.draft() as draft:
        for name in ("model.xml", "model.bin"):
            (draft / name).write_text(name)
        record = Record(
            model=request.spec.key,
            weights_sha256=SHA256,
            trials=[],
            preprocessing=request.spec.preprocessing,
            labels=list(labels),
            files=converted_models.digests(draft),
        )
        store.store(place(request), draft, record)
    return folder / place(request)


def test_a_converted_model_is_taken_over(request_of_child: Request) -> None:
    converted(request_of_child, request_of_child.cache)
    exam_folder.take_converted_model(request_of_child, SHA256)
    assert ConvertedModels(request_of_child.cache_dir).find(place(request_of_child))


def test_a_converted_model_with_other_labels_or_of_other_weights_is_not(request_of_child: Request) -> None:
    converted(request_of_child, request_of_child.cache, labels=("a", "b", "c", "d"))
    exam_folder.take_converted_model(request_of_child, SHA256)
    exam_folder.take_converted_model(request_of_child, "6" * 64)
    assert [path.name for path in request_of_child.cache_dir.iterdir()] == ["exam-1"]


def test_links_are_not_followed_out_of_the_childs_folder(request_of_child: Request, tmp_path: Path) -> None:
    made = converted(request_of_child, request_of_child.cache)
    (made / "model.bin").unlink()
    (tmp_path / "secret").write_text("model.bin")
    (made / "model.bin").symlink_to(tmp_path / "secret")
    (request_of_child.cache / f"labels-{'0' * 32}.npy").symlink_to(tmp_path / "secret")
    exam_folder.take_converted_model(request_of_child, SHA256)
    assert [path.name for path in request_of_child.cache_dir.iterdir()] == ["exam-1"]


def test_a_link_to_a_whole_folder_is_not_followed_either(request_of_child: Request, tmp_path: Path) -> None:
    converted(request_of_child, tmp_path / "elsewhere")
    request_of_child.cache.rmdir()
    request_of_child.cache.symlink_to(tmp_path / "elsewhere")
    exam_folder.take_converted_model(request_of_child, SHA256)
    assert [path.name for path in request_of_child.cache_dir.iterdir()] == ["exam-1"]


def test_a_converted_checkpoint_must_be_one(request_of_child: Request, tmp_path: Path) -> None:
    target = tmp_path / "x.safetensors"
    with pytest.raises(CheckpointError):
        exam_folder.take_converted_checkpoint(request_of_child, target)
    for content in (b"", b"\x80\x02cos\nsystem\n."):
        request_of_child.converted.write_bytes(content)
        with pytest.raises(CheckpointError):
            exam_folder.take_converted_checkpoint(request_of_child, target)
    request_of_child.converted.unlink()
    save_file({"weight": torch.ones(1)}, tmp_path / "elsewhere.safetensors")
    request_of_child.converted.symlink_to(tmp_path / "elsewhere.safetensors")
    with pytest.raises(CheckpointError):
        exam_folder.take_converted_checkpoint(request_of_child, target)
    assert not target.exists()


def test_what_was_made_before_is_lent_and_stays(request_of_child: Request) -> None:
    kept = converted(request_of_child, request_of_child.cache_dir)
    labels = request_of_child.cache_dir / f"labels-{'0' * 32}.npy"
    labels.write_bytes(b"labels")
    exam_folder.lend_converted(request_of_child, SHA256)
    assert ConvertedModels(request_of_child.cache).find(place(request_of_child))
    assert (request_of_child.cache / labels.name).read_bytes() == b"labels"
    exam_folder.take_converted_model(request_of_child, SHA256)
    assert (kept.is_dir(), kept.is_symlink(), labels.read_bytes()) == (True, False, b"labels")


def test_folders_of_workers_that_were_killed_are_removed(tmp_path: Path) -> None:
    cache_dir = tmp_path / "converted"
    old, fresh = cache_dir / "exam-old", cache_dir / "exam-fresh"
    for folder in (old, fresh):
        (folder / "cache").mkdir(parents=True)
    os.utime(old, (0, 0))
    with exam_folder.made_in(cache_dir) as folder:
        assert {path.name for path in cache_dir.iterdir()} == {"exam-fresh", folder.name}
    assert [path.name for path in cache_dir.iterdir()] == ["exam-fresh"]


def test_a_child_without_enough_memory_fails_and_nothing_else(tmp_path: Path, request_of_child: Request) -> None:
    torch.save(custom_models.newborn("timm/test_resnet").state_dict(), request_of_child.checkpoint)
    with exam_folder.made_in(tmp_path / "tight") as folder:
        limits = replace(request_of_child.limits, memory_bytes=150 * 2**20)
        heard = Heard(on_step=lambda *step: None)
        exam_child.run(replace(request_of_child, folder=folder, limits=limits), 60, heard)
    assert (heard.passed, heard.code in {"died", "too_large"}) == (False, True)
    assert "memory limit" in heard.facts["controls"]
