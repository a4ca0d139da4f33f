"""A short, real version of each scenario of `benchmarks.faults`: real workers, real kills, both kinds of database.

Every scenario ends with the invariants asked of the database. Longer versions are for the command line:
`python -m benchmarks.faults --help`.
"""

import pytest

from imageanalysis.tests.fault_runs import SCENARIOS, FaultRun


@pytest.mark.parametrize(
    ("database", "scenario"), [(database, name) for database, names in SCENARIOS.items() for name in names]
)
def test_every_promise_is_kept_after(database: str, scenario: str, fault_runs: dict[str, FaultRun]) -> None:
    if database not in fault_runs:
        pytest.skip("PostgreSQL is not installed here (Debian: apt-get install postgresql)")
    output = fault_runs[database].output()
    assert f"ok {scenario} on {database}" in output, output[-6000:]
