"""`manage.py doctor`: what is in order in this installation, what is not, and how to repair it."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from accounts.examinations import send_mail_to
from accounts.findings import Finding, Level
from imageanalysis import doctor
from imageanalysis.doctor import Report

MARKS = {Level.OK: "ok     ", Level.WARNING: "warning", Level.WRONG: "WRONG  "}


class Command(BaseCommand):
    help = "Examine the installation. Ends with 1 when something is wrong, with 0 when there are warnings at most."
    requires_system_checks: tuple[str, ...] = ()  # what they find is told among the rest

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
        parser.add_argument("--send-mail", metavar="ADDRESS", help="also send a test mail there")

    def handle(self, *args: Any, **options: Any) -> None:
        reports = doctor.examine()
        if options["send_mail"]:
            reports.append(Report("test_mail", "Test mail", (send_mail_to(options["send_mail"]),)))
        if options["json"]:
            self.stdout.write(json.dumps(as_data(reports), ensure_ascii=False, indent=2))
        else:
            self._tell(reports)
        if is_wrong(reports):
            sys.exit(1)

    def _tell(self, reports: list[Report]) -> None:
        for report in reports:
            self.stdout.write(self.style.MIGRATE_HEADING(report.title))
            for finding in report.findings:
                self._tell_one(finding)

    def _tell_one(self, finding: Finding) -> None:
        style = {Level.OK: self.style.SUCCESS, Level.WARNING: self.style.WARNING, Level.WRONG: self.style.ERROR}
        self.stdout.write(f"  {style[finding.level](MARKS[finding.level])}  {finding.sentence}")
        if finding.repair:
            self.stdout.write(f"           → {finding.repair}")


def as_data(reports: list[Report]) -> dict[str, Any]:
    matters = [
        {"name": report.name, "level": report.level, "findings": [asdict(finding) for finding in report.findings]}
        for report in reports
    ]
    return {"level": doctor.worst(report.level for report in reports), "matters": matters}


def is_wrong(reports: list[Report]) -> bool:
    return any(report.level == Level.WRONG for report in reports)
