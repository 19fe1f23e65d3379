from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class FeaturesConfig(AppConfig):
    name = "features"
    verbose_name = "Feature store"

    def ready(self) -> None:
        autodiscover_modules("events", "features")
        from base.metrics import register_collector
        from base.startup import DECLARATIONS
        from features import catalogue, mistakes
        from features.offline.metrics import OfflineCollector

        register(mistakes.check_declarations, DECLARATIONS)
        register(catalogue.check_definitions, Tags.database)
        post_migrate.connect(catalogue.sync_after_migrate, sender=self)
        register_collector(OfflineCollector())
