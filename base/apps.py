from django.apps import AppConfig


class BaseConfig(AppConfig):
    name = "base"
    verbose_name = "Ground floor: no models, no domain words"
