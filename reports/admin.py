"""Django finds the console's pages of all rooms here."""

from reports.filing.admin import ReportAdmin
from reports.offices.admin import CategoryAdmin, DepartmentAdmin

__all__ = ["CategoryAdmin", "DepartmentAdmin", "ReportAdmin"]
