from django.urls import path

from features import lifecycle, views
from features.quality import views as quality

urlpatterns = [
    path("events/", views.Events.as_view(), name="events"),
    path("features/discovery", views.Discovery.as_view(), name="feature-discovery"),
    path("features/inference", views.Inference.as_view(), name="feature-inference"),
    path("features/quality", quality.Quality.as_view(), name="feature-quality"),
    path("features/quality/alerts", quality.Alerts.as_view(), name="quality-alerts"),
    path(
        "features/quality/alerts/<str:alert_id>/acknowledge", quality.Acknowledge.as_view(), name="quality-acknowledge"
    ),
    path("features/quality/snapshot", quality.Snapshot.as_view(), name="quality-snapshot"),
    path("features/quality/<str:feature_set>/reference", quality.Reference.as_view(), name="quality-reference"),
    path("features/quality/<str:feature_set>/<str:feature>", quality.History.as_view(), name="quality-history"),
    path("features/diff", lifecycle.Diff.as_view(), name="feature-diff"),
    path("features/versions/<str:feature_set>/promote", lifecycle.Promote.as_view(), name="version-promote"),
    path("features/versions/<str:feature_set>/withdraw", lifecycle.Withdraw.as_view(), name="version-withdraw"),
    path(
        "features/entities/<str:entity_type>/<str:entity_id>", lifecycle.ErasedEntities.as_view(), name="entity-erase"
    ),
    path("features/entities/<str:entity_type>/<str:entity_id>/proof", lifecycle.Proof.as_view(), name="entity-proof"),
    path("admin/features/stats", views.Stats.as_view(), name="feature-stats"),
    path("admin/features/batch-extract", views.BatchExtract.as_view(), name="feature-batch-extract"),
    path("admin/features/backfill-all", views.BackfillAll.as_view(), name="feature-backfill-all"),
]
