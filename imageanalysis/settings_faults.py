"""The settings for tests of faults: those of an installation, with failpoints that can be armed in a folder."""

from pathlib import Path

from imageanalysis.settings import *  # noqa: F403
from imageanalysis.settings import env

DECODER_MODULE = env.str("DECODER_MODULE", default=DECODER_MODULE)  # noqa: F405
FAILPOINTS = Path(env.str("FAILPOINTS")) if env.str("FAILPOINTS", default="") else None
