from django.apps import AppConfig

from base.roles import Role


class RecordingsConfig(AppConfig):
    name = "recordings"
    verbose_name = "Recordings"
    console_permissions = {
        Role.OPERATOR: ["recordings.view_*", "recordings.add_measurement", "recordings.extract_measurement"],
        Role.ANALYST: ["recordings.view_*"],
    }
