"""A process in which threads send the same file under the same number at the same moment, round by round.

Prints for each round the keys of the pictures that it became, and at last how many rows there are of each kind.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from uuid import UUID, uuid4

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from accounts.models import User  # noqa: E402
from analysis.models import AnalysisQueue  # noqa: E402
from analysis.states import Priority  # noqa: E402
from images import services  # noqa: E402
from images.models import FileInDoubt, Image, TakenUpload  # noqa: E402
from images.resending import taken_once  # noqa: E402
from images.tests.factories import drawn_picture, uploaded  # noqa: E402
from mlmodels.models import MLModel  # noqa: E402

threads, rounds = int(sys.argv[1]), int(sys.argv[2])
call_command("migrate", verbosity=0)
user = User.objects.create_user("owner", "owner@example.org")
model = MLModel.objects.by_key("efficientnet:1.0.0")
content, together = drawn_picture(), Barrier(threads)


def send(upload_id: UUID) -> int:
    take_in = partial(
        services.take_in,
        user=user,
        file=uploaded(content),
        model=model,
        priority=Priority.NORMAL,
        upload_id=upload_id,
    )
    together.wait()
    try:
        return taken_once(user=user, upload_id=upload_id, take_in=take_in).pk
    finally:
        connection.close()


with ThreadPoolExecutor(threads) as pool:
    for _round in range(rounds):
        print(*set(pool.map(send, [uuid4()] * threads)))
print(*(table.objects.count() for table in (Image, AnalysisQueue, TakenUpload, FileInDoubt)))
