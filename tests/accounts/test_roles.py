import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from accounts.roles import patterns, sync_groups
from base.roles import Role

pytestmark = pytest.mark.django_db
TRAIL = {"audit.view_entry", "audit.view_seal", "archive.view_export", "archive.ask_export"}


def granted(role: Role) -> set[str]:
    group = Group.objects.get(name=role.value)
    return {f"{p.content_type.app_label}.{p.codename}" for p in group.permissions.select_related("content_type")}


def test_each_role_has_a_group():
    assert set(Group.objects.values_list("name", flat=True)) >= {role.value for role in Role}


def test_operators_care_for_tasks_and_auditors_read_the_trail():
    assert granted(Role.OPERATOR) >= {"tasks.view_task", "tasks.retry_task", "tasks.cancel_task", "tasks.discard_task"}
    assert "tasks.delete_task" not in granted(Role.OPERATOR)
    assert granted(Role.AUDITOR) == TRAIL


def test_clients_and_services_have_no_part_of_the_console():
    assert granted(Role.CLIENT) == granted(Role.SERVICE) == set()


def test_admins_have_everything():
    assert len(granted(Role.ADMIN)) == Permission.objects.count()


def test_a_domain_adds_its_own(monkeypatch):
    config = apps.get_app_config("tasks")
    monkeypatch.setattr(config, "console_permissions", {Role.REVIEWER: ["tasks.view_attempt"]}, raising=False)
    assert "tasks.view_attempt" in patterns()[Role.REVIEWER]
    sync_groups(sender=config, using="default")
    assert "tasks.view_attempt" in granted(Role.REVIEWER)
    monkeypatch.undo()
    sync_groups(sender=config, using="default")
    assert "tasks.view_attempt" not in granted(Role.REVIEWER)


def test_what_a_flush_took_comes_back():
    Group.objects.all().delete()
    for config in apps.get_app_configs():
        sync_groups(sender=config, using="default")
    assert granted(Role.AUDITOR) == TRAIL


def test_a_second_time_changes_nothing(django_assert_num_queries):
    before = granted(Role.OPERATOR)
    sync_groups(sender=apps.get_app_config("tasks"), using="default")
    assert granted(Role.OPERATOR) == before
