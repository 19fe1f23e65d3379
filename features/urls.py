from django.urls import path

from features import views
from features.backfill import views as backfills

urlpatterns = [
    path("events/", views.Events.as_view(), name="events"),
    path("features/discovery", views.Discovery.as_view(), name="feature-discovery"),
    path("features/inference", views.Inference.as_view(), name="feature-inference"),
    path("admin/features/stats", views.Stats.as_view(), name="feature-stats"),
    path("admin/features/batch-extract", views.BatchExtract.as_view(), name="feature-batch-extract"),
    path("admin/features/backfill-all", backfills.BackfillAll.as_view(), name="feature-backfill-all"),
    path("admin/features/backfills/", backfills.Backfills.as_view(), name="backfills"),
    path("admin/features/backfills/<uuid:backfill_id>", backfills.BackfillDetail.as_view(), name="backfill"),
    path("admin/features/backfills/<uuid:backfill_id>/pause", backfills.PauseBackfill.as_view(), name="backfill-pause"),
    path(
        "admin/features/backfills/<uuid:backfill_id>/resume", backfills.ResumeBackfill.as_view(), name="backfill-resume"
    ),
    path(
        "admin/features/backfills/<uuid:backfill_id>/cancel", backfills.CancelBackfill.as_view(), name="backfill-cancel"
    ),
]
