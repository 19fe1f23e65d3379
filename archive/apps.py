from django.apps import AppConfig

from base.roles import Role


class ArchiveConfig(AppConfig):
    """The trail taken out as files. Above tasks, which build them, as audit is below everything that is audited."""

    name = "archive"
    verbose_name = "Audit archive"
    console_permissions = {Role.AUDITOR: ["archive.view_export", "archive.ask_export"]}
