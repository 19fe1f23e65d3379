from django.urls import path

from tests.garden import views

urlpatterns = [path("garden/plots", views.Plots.as_view(), name="garden-plots")]
