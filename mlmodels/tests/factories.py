"""Made-up rows of models; the default one is what the catalogue really has."""

import factory

from mlmodels.models import MLModel


class MLModelFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = MLModel
        django_get_or_create = ("name", "version")

    name = "efficientnet"
    version = "1.0.0"
    description = "EfficientNet-Lite0"
