"""How the processes that pytest-xdist starts share the tests of a run."""

from functools import cached_property
from itertools import groupby
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


class StretchScheduling(LoadScopeScheduling):
    """Hands out whole stretches of one module's neighbouring tests, in the order in which they were collected.

    So the fixtures of a module are made once, not once for every process. And because pytest-django has put the tests
    that empty the database behind those that expect what the migrations wrote, every process meets them in this order.
    """

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    @cached_property
    def stretches(self) -> dict[str, str]:
        """The stretch of each test."""
        collected = next(iter(self.registered_collections.values()))
        runs = enumerate(groupby(collected, key=lambda test: test.partition("::")[0]))
        return {test: f"{number} {module}" for number, (module, tests) in runs for test in tests}

    def _split_scope(self, nodeid: str) -> str:
        return self.stretches[nodeid]
