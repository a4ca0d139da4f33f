"""The wiring: settings, addresses, the Celery application, the start command."""

from imageanalysis.celery import app as celery_app

__all__ = ["celery_app"]
