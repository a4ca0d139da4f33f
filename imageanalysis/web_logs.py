"""The web server's own lines as all others: `gunicorn --logger-class imageanalysis.web_logs.WebLogger`."""

from django.conf import settings
from gunicorn.config import Config
from gunicorn.glogging import Logger

from imageanalysis.logs import FORMATTERS


class WebLogger(Logger):
    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(FORMATTERS[settings.LOG_FORMAT]())
