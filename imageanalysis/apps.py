from django.apps import AppConfig
from django.core.checks import Tags, register

from imageanalysis import checks


class ImageAnalysisConfig(AppConfig):
    name = "imageanalysis"

    def ready(self) -> None:
        register(checks.weak_settings, Tags.security)
        register(checks.plain_http, Tags.security, deploy=True)
