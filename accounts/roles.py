"""What each role may do in the console, as groups of the same names. What the API allows stands in the views.

A domain adds its own in its AppConfig:

    console_permissions = {Role.REVIEWER: ["loans.view_*"]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed
from django.contrib.auth.management import create_permissions

from base.roles import Role

# Role → patterns of "app.codename".
CONSOLE_PERMISSIONS: Mapping[Role, Sequence[str]] = {
    Role.ADMIN: ["*"],
    Role.OPERATOR: [
        "tasks.view_*",
        "tasks.retry_task",
        "tasks.cancel_task",
        "tasks.discard_task",
        "tasks.manage_webhook",
        "tasks.resend_delivery",
        "tasks.pause_work",
        "tasks.run_schedule",
        "features.view_*",
        "features.backfill_featureset",
        "features.promote_featureset",
        "features.handle_qualityalert",
    ],
    Role.ANALYST: ["features.view_*"],
    Role.AUDITOR: ["audit.view_*"],
}


def patterns() -> dict[Role, list[str]]:
    """The table above with what every installed app adds."""
    result = {role: list(CONSOLE_PERMISSIONS.get(role, ())) for role in Role}
    for config in installed.get_app_configs():
        for role, added in getattr(config, "console_permissions", {}).items():
            result[Role(role)].extend(added)
    return result


def sync_groups(*, sender: AppConfig, using: str, apps: Any = installed, **kwargs: Any) -> None:
    """Give the groups exactly what the table says of the sender's permissions. Runs after each app's migrations.

    Exactly, so that what a release takes out of the table is gone, and what a flush removed is back.
    """
    try:
        Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    except LookupError:  # an early state of the database, before there are groups
        return
    # Permissions are made by a receiver too; it does nothing the second time.
    create_permissions(sender, using=using, apps=apps, verbosity=0)
    table = patterns()
    Group.objects.using(using).bulk_create([Group(name=role.value) for role in Role], ignore_conflicts=True)
    groups = {group.name: group.pk for group in Group.objects.using(using).filter(name__in=[*Role])}
    permissions = dict(
        Permission.objects.using(using).filter(content_type__app_label=sender.label).values_list("pk", "codename")
    )
    Link = Group.permissions.through
    links = Link.objects.using(using).filter(group_id__in=groups.values(), permission_id__in=permissions)
    present = set(links.values_list("group_id", "permission_id"))
    wanted = {
        (groups[role.value], pk)
        for role, allowed in table.items()
        for pk, codename in permissions.items()
        if any(fnmatchcase(f"{sender.label}.{codename}", pattern) for pattern in allowed)
    }
    for group_id, permission_id in present - wanted:
        links.filter(group_id=group_id, permission_id=permission_id).delete()
    Link.objects.using(using).bulk_create(
        [Link(group_id=group_id, permission_id=permission_id) for group_id, permission_id in wanted - present],
        ignore_conflicts=True,
    )
