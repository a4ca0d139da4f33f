"""What can keep a model from being used; each error has a stable `code`."""


class EngineError(Exception):
    code: str


class UnknownModelError(EngineError):
    """The catalogue has no model of this name and version."""

    code = "unknown_model"


class WeightsMissingError(EngineError):
    """The model is known, its weights are not on this machine."""

    code = "weights_missing"


class WeightsDamagedError(EngineError):
    """The weights file is not the one that the catalogue describes, or does not fit the network."""

    code = "weights_damaged"
