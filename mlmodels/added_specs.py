"""What staff added, as the engine wants it described."""

from dataclasses import replace

from mlmodels import model_files
from mlmodels.inference import architectures, catalogue
from mlmodels.inference.catalogue import ModelSpec, StoredWeights
from mlmodels.inference.errors import WeightsMissingError
from mlmodels.inference.preprocessing import Preprocessing
from mlmodels.models import AddedModel


def spec_of(added: AddedModel) -> ModelSpec:
    """The engine's description; its weights may still have to be brought. Raises EngineError for what is unknown."""
    labels = tuple(added.labels)
    if added.base:
        return replace(catalogue.find(added.base), version=added.model.version, labels=labels)
    architecture = architectures.find(added.architecture)
    return ModelSpec(
        name=added.model.name,
        version=added.model.version,
        library=architecture.library,
        architecture=architecture.name,
        weights=StoredWeights(added.local_name),
        labels=labels,
        preprocessing=_preprocessing(added) or architecture.preprocessing,
    )


def _preprocessing(added: AddedModel) -> Preprocessing | None:
    if added.preprocessing is None:
        return None
    fields = dict(added.preprocessing)
    return Preprocessing(**{**fields, "mean": tuple(fields["mean"]), "std": tuple(fields["std"])})


def bring_weights(added: AddedModel) -> None:
    """See to it that the weights lie on this machine. Raises WeightsMissingError."""
    if added.base:
        return
    if not added.is_converted:
        raise WeightsMissingError(f"{added.model.key}: no exam has converted {added.file} yet")
    try:
        model_files.bring_local_copy(added.file, local=added.local_name, sha256=added.sha256)
    except FileNotFoundError as error:
        raise WeightsMissingError(f"{added.model.key}: the storage does not hold {added.file}") from error


def tidy_up() -> None:
    """Remove the files of models that are no more from the storage and from this machine. One query."""
    added = list(AddedModel.objects.exclude(file="").select_related("model").defer("labels"))
    model_files.tidy_up(stored={one.file for one in added}, local={one.local_name for one in added})
