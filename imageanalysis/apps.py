from django.apps import AppConfig


class ImageAnalysisConfig(AppConfig):
    name = "imageanalysis"
