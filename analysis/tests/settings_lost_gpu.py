"""The settings of a worker whose GPU fails for good in the first process that uses it."""

from imageanalysis.settings import *  # noqa: F403
from imageanalysis.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "analysis.tests.lost_gpu.LostGpu"]
