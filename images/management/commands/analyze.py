"""`manage.py analyze FILE...`: files through the very same upload, queue and workers as in the browser."""

import json
import time
from argparse import ArgumentParser, BooleanOptionalAction
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.http import QueryDict
from django.utils import timezone

from accounts.models import User
from analysis import presentation
from analysis.models import AnalysisQueue
from analysis.states import ACTIVE_QUEUE_STATUSES, QueueStatus
from analysis.story_query import stories
from images import services
from images.forms import Wish, read_wish
from images.models import Image
from images.refusals import UploadRefusedError

POLL_SECONDS = 0.2
NOTICE_AFTER_SECONDS = 15


class Command(BaseCommand):
    help = "Upload files, have them analyzed by the running workers, and print the labels."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--model", default="", metavar="NAME:VERSION", help="the default model unless given")
        parser.add_argument("--priority", default="", help="low, normal, high or urgent")
        parser.add_argument(
            "--user", metavar="NAME", help="whose pictures these are; the first administrator's unless given"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object a picture and line")
        parser.add_argument("--wait", action=BooleanOptionalAction, default=True, help="wait for the labels")

    def handle(self, *args: Any, **options: Any) -> None:
        user = find_user(options["user"])
        wish = self.read_wish(options, user)
        images, refused = [], 0
        for path in options["files"]:
            try:
                images.append(take_in(path, user=user, wish=wish))
            except (UploadRefusedError, OSError) as error:
                refused += 1
                self.stderr.write(f"{path}: {reason(error)}")
        if options["wait"]:
            self.wait(images)
        # A picture that was deleted meanwhile has nothing to report.
        entries = stories().filter(image__in=images).order_by("image_id")
        for entry in entries:
            self.report(entry, as_json=options["json"])
        if refused or any(entry.status == QueueStatus.FAILED for entry in entries):
            raise SystemExit(1)

    def read_wish(self, options: dict[str, Any], user: User) -> Wish:
        data = QueryDict(mutable=True)
        data.update({"model": options["model"], "priority": options["priority"]})
        try:
            return read_wish(data, user=user)
        except UploadRefusedError as error:
            raise CommandError(error.message) from error

    def wait(self, images: list[Image]) -> None:
        """Return when every picture has ended; say so once when no worker takes anything for a while."""
        notice_at: float | None = time.monotonic() + NOTICE_AFTER_SECONDS
        entries = AnalysisQueue.objects.filter(image__in=images)
        while entries.filter(status__in=ACTIVE_QUEUE_STATUSES).exists():
            untouched = not entries.exclude(status=QueueStatus.WAITING).exists()
            if notice_at and time.monotonic() > notice_at:
                notice_at = None
                if untouched:
                    self.stderr.write(
                        "No worker has taken a picture yet: is the application running (make run), or still starting?"
                    )
            time.sleep(POLL_SECONDS)

    def report(self, entry: AnalysisQueue, *, as_json: bool) -> None:
        image, story = entry.image, presentation.story(entry)
        if as_json:
            shown = {"filename": image.filename, "url": image.get_absolute_url(), **story}
            self.stdout.write(json.dumps(shown, cls=DjangoJSONEncoder, ensure_ascii=False))
            return
        self.stdout.write(f"{image.filename}  {image.display_status_label}  {image.get_absolute_url()}")
        if story["error"]:
            self.stdout.write(f"    {story['error']}")
        for result in story["results"]:
            self.stdout.write(f"  {result['confidence']:6.2f} %  {result['label']}")


def find_user(name: str | None) -> User:
    if name:
        user = User.objects.find(name)
        if user is None:
            raise CommandError(f"There is no user {name!r}.")
        return user
    administrator = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if administrator is None:
        raise CommandError(
            "There is no account yet. Register in the browser first: the first one is the administrator."
        )
    return administrator


def take_in(path: Path, *, user: User, wish: Wish) -> Image:
    started_at = timezone.now()
    with path.open("rb") as content:
        return services.take_in(
            user=user,
            file=File(content, name=path.name),
            model=wish.model,
            priority=wish.priority,
            upload_started_at=started_at,
        )


def reason(error: UploadRefusedError | OSError) -> str:
    return error.message if isinstance(error, UploadRefusedError) else (error.strerror or str(error))
