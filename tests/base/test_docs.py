"""What the pages promise is what the code does."""

import re

from base.permissions import is_open, roles_of
from base.roles import Role
from tests.base.test_http import ROUTES
from tests.processes import ROOT

ROLES = [role for role in Role if role != Role.ADMIN]


def table() -> str:
    """The role × endpoint table as the code has it; write it into docs/security.md when it changes."""
    lines = [f"| endpoint | {' | '.join(ROLES)} |", "|---|" + ":-:|" * len(ROLES)]
    for path, view in ROUTES:
        if "garden" in path or view.__module__.startswith("drf_spectacular"):
            continue
        shown = re.sub(r"0{8}-.*?0{12}|(?<=/)0\b", "{id}", path)
        for method in ("get", "post", "patch", "delete"):
            if hasattr(view, method):
                allowed = roles_of(view, method.upper())
                free = is_open(view, method.upper())
                cells = ["open" if free else "●" if role in allowed else "" for role in ROLES]
                lines.append(f"| {method.upper()} {shown} | {' | '.join(cells)} |")
    return "\n".join(lines)


def test_the_role_table_is_what_the_code_does():
    assert table() in (ROOT / "docs/security.md").read_text(), f"the table should be:\n{table()}"


def test_every_setting_of_the_environment_is_documented():
    settings = "".join(path.read_text() for path in (ROOT / "config").glob("*.py"))
    names = set(re.findall(r'env(?:\.\w+)?\("([A-Z_]+)"', settings)) | set(re.findall(r'secret\("([A-Z_]+)"', settings))
    told = (ROOT / "docs/operations.md").read_text()
    shortened = {name for name in names if name.startswith("THROTTLE_")}
    internal = {"DJANGO_DEBUG", "SECURE_SSL_REDIRECT"}
    assert not {name for name in names - shortened - internal if name not in told}


def test_every_metric_and_command_is_documented():
    told = (ROOT / "docs/operations.md").read_text() + (ROOT / "README.md").read_text()
    told += (ROOT / "CHANGELOG.md").read_text()
    hidden = {"bootstrap", "showcase"}  # `make up` runs these
    for file in ROOT.glob("*/management/commands/[a-z]*.py"):
        assert file.stem in told or file.stem in hidden, file.stem


def test_decision_records_are_short():
    for file in (ROOT / "docs/adr").glob("*.md"):
        assert len(file.read_text().splitlines()) <= 40, file.name
