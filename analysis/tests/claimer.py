"""A process of the claim race: claims one batch for each line that it reads and prints the ids it owns."""

import sys

import django

django.setup()

from analysis import lifecycle  # noqa: E402

print("ready", flush=True)
for _line in sys.stdin:
    claims = lifecycle.claim_batch(limit=int(sys.argv[1]))
    print(*(claim.queue_id for claim in claims), flush=True)
