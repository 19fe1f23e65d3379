from django.urls import path

from audit import views

urlpatterns = [
    path("audit/", views.EntryList.as_view(), name="audit"),
    path("audit/<int:entry_id>", views.EntryDetail.as_view(), name="audit-entry"),
    path("audit/entities/<str:entity_type>/<str:entity_id>", views.Timeline.as_view(), name="audit-timeline"),
]
