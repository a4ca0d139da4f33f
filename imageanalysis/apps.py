from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Tags, register
from django.utils.module_loading import import_string

from imageanalysis import checks


class ImageAnalysisConfig(AppConfig):
    name = "imageanalysis"

    def ready(self) -> None:
        if settings.SENTRY_DSN:
            import_string("imageanalysis.sentry.start")(settings.SENTRY_DSN)
        register(checks.weak_settings, Tags.security)
        register(checks.plain_http, Tags.security, deploy=True)
