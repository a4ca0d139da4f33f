from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MLModelsConfig(AppConfig):
    name = "mlmodels"
    verbose_name = _("Machine learning")
