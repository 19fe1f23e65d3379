from django.urls import path

from features import views
from features.training import dataset_views as datasets
from features.training import views as training

urlpatterns = [
    path("events/", views.Events.as_view(), name="events"),
    path("features/discovery", views.Discovery.as_view(), name="feature-discovery"),
    path("features/inference", views.Inference.as_view(), name="feature-inference"),
    path("features/training", training.Training.as_view(), name="feature-training"),
    path("features/datasets", datasets.Datasets.as_view(), name="datasets"),
    path("features/datasets/<uuid:dataset_id>", datasets.DatasetDetail.as_view(), name="dataset"),
    path("features/datasets/<uuid:dataset_id>/download", datasets.Download.as_view(), name="dataset-download"),
    path("features/extract", training.Extract.as_view(), name="feature-extract"),
    path("admin/features/stats", views.Stats.as_view(), name="feature-stats"),
    path("admin/features/batch-extract", views.BatchExtract.as_view(), name="feature-batch-extract"),
    path("admin/features/backfill-all", views.BackfillAll.as_view(), name="feature-backfill-all"),
]
