from django.urls import path

from features import lineage_views, views

urlpatterns = [
    path("events/", views.Events.as_view(), name="events"),
    path("features/discovery", views.Discovery.as_view(), name="feature-discovery"),
    path("features/sets/", lineage_views.FeatureSets.as_view(), name="feature-sets"),
    path("features/sets/<str:label>", lineage_views.FeatureSetDetail.as_view(), name="feature-set"),
    path("features/lineage", lineage_views.ValueLineage.as_view(), name="feature-lineage"),
    path("features/inference", views.Inference.as_view(), name="feature-inference"),
    path("admin/features/stats", views.Stats.as_view(), name="feature-stats"),
    path("admin/features/batch-extract", views.BatchExtract.as_view(), name="feature-batch-extract"),
    path("admin/features/backfill-all", views.BackfillAll.as_view(), name="feature-backfill-all"),
]
