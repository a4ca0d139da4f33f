"""How quick each model was on this installation lately, by what its runs took."""

from collections.abc import Sequence

from analysis import estimates
from analysis.story_query import RECENT_RUNS, latest_runs, measured
from mlmodels.models import MLModel


def seconds_a_picture(keys: Sequence[str]) -> dict[str, float]:
    """By `name:version` what a picture cost one worker, of models with enough runs; one statement along an index.

    It names the models: of names that it reads from a table while it runs PostgreSQL assumes that each has many runs,
    and looks for those of a model that has none among all that ever ended.
    """
    asked = [latest_runs(RECENT_RUNS, model_name=key) for key in keys]
    (answered,) = MLModel.objects.order_by().values_list(*asked)[:1] if keys else ([],)  # one row, of any table
    costs = {key: estimates.seconds_a_picture(measured(runs)) for key, runs in zip(keys, answered, strict=True)}
    return {key: seconds for key, seconds in costs.items() if seconds is not None}
