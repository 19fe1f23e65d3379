from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from accounts import roles, signals

        import_module("accounts.openapi")
        signals.connect()
        post_migrate.connect(roles.sync_groups, dispatch_uid="accounts_sync_groups")
