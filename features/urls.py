from django.urls import path

from features.backfill import views as backfills
from features.quality import views as quality
from features.views import catalogue, coverage, datasets, events, feast, inference, lifecycle, lineage, training

urlpatterns = [
    path("features/inference", inference.Inference.as_view(), name="feature-inference"),  # first, as asked for most
    path("events/", events.Events.as_view(), name="events"),
    path("features/discovery", catalogue.Discovery.as_view(), name="feature-discovery"),
    path("features/discovery/<str:feature_type>", catalogue.FeatureDetail.as_view(), name="feature-detail"),
    path("features/sets/", lineage.FeatureSets.as_view(), name="feature-sets"),
    path("features/sets/<str:label>", lineage.FeatureSetDetail.as_view(), name="feature-set"),
    path("features/lineage", lineage.ValueLineage.as_view(), name="feature-lineage"),
    path("features/training", training.Training.as_view(), name="feature-training"),
    path("features/extract", training.Extract.as_view(), name="feature-extract"),
    path("features/datasets", datasets.Datasets.as_view(), name="datasets"),
    path("features/datasets/<uuid:dataset_id>", datasets.DatasetDetail.as_view(), name="dataset"),
    path("features/datasets/<uuid:dataset_id>/download", datasets.Download.as_view(), name="dataset-download"),
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
    path("get-online-features", feast.GetOnlineFeatures.as_view(), name="get-online-features"),
    path("admin/features/stats", coverage.Stats.as_view(), name="feature-stats"),
    path("admin/features/batch-extract", coverage.BatchExtract.as_view(), name="feature-batch-extract"),
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
