"""`manage.py prune`: stored files that belong to nothing, shown or removed; and rows whose files are gone, shown."""

from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from images import orphans

SHOWN = 20


class Command(BaseCommand):
    help = "Show stored files that belong to no picture, or remove them with --delete."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--delete", action="store_true", help="Remove them; without it nothing is changed.")

    def handle(self, *args: Any, delete: bool, **options: Any) -> None:
        try:
            found = orphans.look()
        except OSError as error:
            raise CommandError(f"The storage could not be read: {error}") from error
        self._show("file belongs to nothing", "files belong to nothing", found.files)
        self._show("file of a picture is missing", "files of pictures are missing", found.missing)
        if found.missing:
            self.stdout.write(
                "Pictures without their originals cannot be analyzed again: restore the files from a backup."
            )
            self.stdout.write("A thumbnail alone is made anew once somebody misses it.")
        if delete:
            orphans.remove(found.files)
            self.stdout.write(f"Removed {len(found.files)}.")
        elif found.files:
            self.stdout.write("Nothing was changed; --delete removes what belongs to nothing.")

    def _show(self, one: str, many: str, names: Sequence[str]) -> None:
        self.stdout.write(f"{len(names)} {one if len(names) == 1 else many}.")
        for name in names[:SHOWN]:
            self.stdout.write(f"  {name}")
        if len(names) > SHOWN:
            self.stdout.write(f"  and {len(names) - SHOWN} more")
