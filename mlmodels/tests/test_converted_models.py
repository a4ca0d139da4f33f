import os
from dataclasses import replace
from pathlib import Path

import pytest

from mlmodels.inference import catalogue, converted_models
from mlmodels.inference.agreement import Agreement
from mlmodels.inference.choice import Trial
from mlmodels.inference.converted_models import ConvertedModels, Record, digests
from mlmodels.inference.preprocessing import Preprocessing

SPEC = catalogue.find("efficientnet:1.0.0")
PLACE = "efficientnet-1.0.0-" + "a" * 16


@pytest.fixture
def store(tmp_path: Path) -> ConvertedModels:
    return ConvertedModels(tmp_path / "converted")


def stored(store: ConvertedModels, place: str = PLACE) -> Record:
    with store.draft() as draft:
        (draft / "model.xml").write_text("<net/>", encoding="utf-8")
        (draft / "model.bin").write_bytes(b"weights")
        record = Record(
            model=SPEC.key,
            weights_sha256="0" * 64,
            trials=[
                Trial("openvino", "bf16", Agreement(0.85, 12.5), ms=1.75),
                Trial("torch", "fp32", Agreement(1.0, 0.0), ms=9.5),
            ],
            preprocessing=Preprocessing.on_unit_scale(
                resize_px=8, crop_px=4, interpolation="bicubic", mean=(0.1, 0.2, 0.3), std=(0.1, 0.2, 0.3)
            ),
            labels=["tench", "goldfish"],
            files=digests(draft),
        )
        store.store(place, draft, record)
    return record


def test_what_was_stored_is_found_as_it_was(store: ConvertedModels) -> None:
    record = stored(store)
    assert store.find(PLACE) == record
    assert store.network_path(PLACE).read_text(encoding="utf-8") == "<net/>"


def test_nothing_is_found_where_nothing_was_stored(store: ConvertedModels) -> None:
    assert store.find(PLACE) is None


@pytest.mark.parametrize("name", ["model.bin", "model.xml", "record.json"])
@pytest.mark.parametrize("damage", ["changed", "cut", "gone"])
def test_a_damaged_model_counts_as_none(store: ConvertedModels, name: str, damage: str) -> None:
    stored(store)
    path = store.folder / PLACE / name
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if damage == "cut" else b"?" + content[1:])
    assert store.find(PLACE) is None


def test_a_damaged_model_is_replaced(store: ConvertedModels) -> None:
    stored(store)
    store.network_path(PLACE).unlink()
    record = stored(store)
    assert store.find(PLACE) == record


def test_a_draft_that_is_not_stored_leaves_nothing(store: ConvertedModels) -> None:
    with store.draft() as draft:
        (draft / "model.xml").write_text("<net/>", encoding="utf-8")
    assert list(store.folder.iterdir()) == []


def test_drafts_of_processes_that_were_killed_go_and_those_in_hand_stay(store: ConvertedModels) -> None:
    for name in ("draft-killed", "draft-in-hand"):
        (store.folder / name).mkdir(parents=True)
    os.utime(store.folder / "draft-killed", (0, 0))

    stored(store)

    assert {path.name for path in store.folder.iterdir()} == {"draft-in-hand", PLACE}


def test_a_new_conversion_lets_go_of_the_models_old_one_and_of_no_other(store: ConvertedModels) -> None:
    others = ["efficientnet-1.0.0-b0-" + "b" * 16, "efficientnet-1.0-" + "b" * 16, "labels-" + "b" * 16]
    for place in ("efficientnet-1.0.0-" + "b" * 16, *others, PLACE):
        stored(store, place)
    assert sorted(path.name for path in store.folder.iterdir()) == sorted([*others, PLACE])


@pytest.mark.parametrize(
    ("changes", "sha256", "precisions"),
    [
        ({}, "1" * 64, ["fp32"]),
        ({}, "0" * 64, ["fp32", "bf16"]),
        ({"architecture": "tf_efficientnet_lite1"}, "0" * 64, ["fp32"]),
        ({"preprocessing": None}, "0" * 64, ["fp32"]),
        ({"labels": ("one", "two")}, "0" * 64, ["fp32"]),
    ],
)
def test_another_model_or_another_cpu_has_another_place(
    changes: dict[str, object], sha256: str, precisions: list[str]
) -> None:
    here = converted_models.place(SPEC, "0" * 64, ["fp32"])
    assert converted_models.place(SPEC, "0" * 64, ["fp32"]) == here
    assert converted_models.place(replace(SPEC, **changes), sha256, precisions) != here


def test_another_release_of_a_library_has_another_place(monkeypatch: pytest.MonkeyPatch) -> None:
    here = converted_models.place(SPEC, "0" * 64, ["fp32"])
    monkeypatch.setattr(converted_models, "version", lambda package: f"{package} of tomorrow")
    assert converted_models.place(SPEC, "0" * 64, ["fp32"]) != here
