"""Runs models on a GPU in torch; imports torch."""

import logging

import torch

from mlmodels.inference.agreement import compare
from mlmodels.inference.errors import DeviceLostError
from mlmodels.inference.golden_pictures import golden_pictures
from mlmodels.inference.networks import Network
from mlmodels.inference.options import Options
from mlmodels.inference.torch_classifier import TorchClassifier

logger = logging.getLogger(__name__)

_PICTURES = 32


def classifier(network: Network, options: Options) -> TorchClassifier | None:
    """The network on the GPU; None when torch cannot use it, or not even one picture fits. The network is used up.

    "auto" takes fp16 where it agrees with fp32 on the golden pictures, which also warm the GPU up.
    """
    if not torch.cuda.is_available():
        return None
    # What is called fp32 shall be fp32: TF32 keeps ten bits of the fraction.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    device = torch.device("cuda")
    try:
        exact = TorchClassifier(network, device=device)
        inputs = [exact.preprocess(picture) for picture in golden_pictures(_PICTURES)]
        expected = exact.logits(inputs)
        for precision in _quick_precisions(options):
            quick = TorchClassifier(network, device=device, precision=precision)
            found = compare(quick.logits(inputs), expected)
            if quick.execution.device == "CPU":  # it ran out of memory, and the network they share moved
                return None
            logger.info("%s on the GPU: %s", precision, found)
            if found.is_close() or (options.precision != "auto" and found.is_close_enough_as_asked()):
                return quick
    except (RuntimeError, DeviceLostError) as error:  # also when memory runs out
        logger.warning("the GPU does not run the model: %s", error)
        return None
    return exact if exact.execution.device != "CPU" else None


def _quick_precisions(options: Options) -> tuple[str, ...]:
    if options.precision == "fp32":
        return ()
    return ("fp16",) if options.precision == "auto" else (options.precision,)
