"""The Celery application; what a worker does with the queue is wired up in `analysis.worker`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "imageanalysis.settings")

app = Celery("imageanalysis")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(related_name="worker")
