"""The routes of recordings."""

from django.urls import path

from recordings.extraction import views as pictures

urlpatterns = [
    path(
        "recordings/measurements/<uuid:measurement_id>/spectrogram.png",
        pictures.Spectrogram.as_view(),
        name="measurement-spectrogram",
    ),
    path(
        "recordings/measurements/<uuid:measurement_id>/spectrum.png",
        pictures.Spectrum.as_view(),
        name="measurement-spectrum",
    ),
]
