from django.db import migrations

ROLES = ["client", "service", "analyst", "operator", "reviewer", "auditor", "admin"]


def create_groups(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    groups = [Group(name=name) for name in ROLES]
    Group.objects.using(schema_editor.connection.alias).bulk_create(groups, ignore_conflicts=True)


class Migration(migrations.Migration):
    """The groups of the roles. Their permissions follow after each migrate, see accounts.roles."""

    dependencies = [("accounts", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [migrations.RunPython(create_groups, migrations.RunPython.noop, elidable=False)]
