"""The web process's entry point."""

import os

from django.core.wsgi import get_wsgi_application

from imageanalysis.checks import refuse_when_weak

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "imageanalysis.settings")
application = get_wsgi_application()
refuse_when_weak()
