"""`manage.py backup FILE`: everything that is kept, as one file, while people go on."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from imageanalysis.backups import archive


class Command(BaseCommand):
    help = "Write all rows, pictures and added checkpoints to one file. The application may go on meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="A new file, for example backup-2026-11-23.tar")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        if file.exists():
            raise CommandError(f"{file} is there already. Name a new file.")
        try:
            counts = archive.take(file, tell=self.stdout.write)
        except OSError as error:
            raise CommandError(f"The backup could not be written: {error}") from error
        self.stdout.write(
            f"{file}: {counts['rows']} rows, {counts['files']} files of pictures, {counts['checkpoints']} checkpoints."
        )
