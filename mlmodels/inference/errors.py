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


class LabelUnknownError(EngineError):
    """The model has no label of this name, or no longer."""

    code = "label_unknown"


class UnknownArchitectureError(EngineError):
    """No network of this name is listed for uploaded checkpoints."""

    code = "unknown_architecture"


class DeviceLostError(Exception):
    """The GPU answers nothing more that this process asks, whatever the model; a new process may be luckier."""


class ConversionStoppedError(Exception):
    """The process was asked to stop and waits for no conversion of a model any more; the next one converts it."""


class CheckpointError(EngineError):
    """An uploaded file is no checkpoint that may be loaded.

    `code` is one of
    "not_a_checkpoint": neither safetensors nor what torch.save writes (values: detail);
    "damaged": one of the two, but cut off, added to or contradicting itself (values: detail);
    "holds_code": a pickle that asks for more than plain dense tensors, or TorchScript (values: name, of what it asks);
    "legacy_format": written by torch before 1.6, or a bare pickle;
    "too_many_tensors": more than any network has (values: limit);
    "empty": no tensor in it.
    `detail` is English, for logs.
    """

    def __init__(self, code: str, **values: str | int) -> None:
        super().__init__(f"{code}: {', '.join(map(str, values.values()))}" if values else code)
        self.code = code
        self.values = values


class MisfitError(EngineError):
    """Weights are not those of the network that they are said to be for.

    `code` is one of
    "other_parameters": names or shapes differ (values: missing, unknown, misshapen, how many each; example, a name);
    "other_classes": all is as it should be, but for another number of classes (values: classes, labels);
    "not_finite": infinite or not a number (values: where, "weights" or "answers"; example, a name, of weights).
    """

    def __init__(self, code: str, **values: str | int) -> None:
        super().__init__(f"{code}: {values}")
        self.code = code
        self.values = values


class ExamFailedError(EngineError):
    """A model that loads does not behave. `code` and `values` are those of `exam.Report`."""

    def __init__(self, code: str, **values: str | int) -> None:
        super().__init__(f"{code}: {values}")
        self.code = code
        self.values = values
