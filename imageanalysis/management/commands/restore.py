"""`manage.py restore FILE`: a backup into an installation that nobody uses yet."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from imageanalysis.backups import restoring


class Command(BaseCommand):
    help = "Restore a backup into a new database and an empty MEDIA_ROOT, then bring it up to this version."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            counts = restoring.restore(file, tell=self.stdout.write)
        except restoring.RestoreError as error:
            raise CommandError(str(error)) from error
        except OSError as error:  # the disk is full, say
            raise CommandError(f"The restore broke off: {error}. Begin it again with a new database.") from error
        self.stdout.write(f"Restored {counts['rows']} rows and {counts['files']} files of pictures.")
        if counts["without_file"]:
            self.stdout.write(f"{counts['without_file']} pictures were being deleted while the backup was taken.")
        self.stdout.write("Start the application: what had not been analyzed is analyzed now.")
