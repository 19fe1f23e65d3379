from django.urls import path

from archive import views

urlpatterns = [
    path("audit/exports", views.Exports.as_view(), name="audit-exports"),
    path("audit/exports/<uuid:export_id>", views.ExportDetail.as_view(), name="audit-export"),
    path("audit/exports/<uuid:export_id>/download", views.Download.as_view(), name="audit-export-download"),
]
