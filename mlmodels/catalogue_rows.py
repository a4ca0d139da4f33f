"""The models of the catalogue whose rows staff deleted, and how one comes back."""

from mlmodels import exams
from mlmodels.descriptions import DESCRIPTIONS
from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import StoredWeights
from mlmodels.models import MLModel


def deleted() -> list[MLModel]:
    """Rows that are not in the table, in the catalogue's order; one query."""
    there = {f"{name}:{version}" for name, version in MLModel.objects.values_list("name", "version")}
    return [MLModel(name=spec.name, version=spec.version) for key, spec in catalogue.MODELS.items() if key not in there]


def bring_back(key: str) -> MLModel:
    """The row of `name:version` as it was at first: offered, and described as the catalogue's model.

    Weights that are still here are made ready by a worker. Raises UnknownModelError.
    """
    spec = catalogue.find(key)
    model, is_new = MLModel.objects.get_or_create(
        name=spec.name, version=spec.version, defaults={"description": DESCRIPTIONS[spec.name, spec.version]}
    )
    if is_new and isinstance(spec.weights, StoredWeights):
        exams.prepare(key)
    return model
