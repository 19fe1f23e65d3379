from django.urls import path

from reports.filing import views

urlpatterns = [
    path("reports/", views.Reports.as_view(), name="report-list"),
]
