from django.urls import path

from tasks.webhooks import views

urlpatterns = [
    path("webhooks/", views.Webhooks.as_view(), name="webhooks"),
    path("webhooks/<uuid:webhook_id>", views.WebhookDetail.as_view(), name="webhook-detail"),
    path("webhooks/<uuid:webhook_id>/rotate-secret", views.RotateSecret.as_view(), name="webhook-rotate-secret"),
    path("webhooks/<uuid:webhook_id>/test", views.TestWebhook.as_view(), name="webhook-test"),
    path("webhooks/<uuid:webhook_id>/deliveries/", views.Deliveries.as_view(), name="webhook-deliveries"),
    path(
        "webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/resend",
        views.Resend.as_view(),
        name="webhook-resend",
    ),
]
