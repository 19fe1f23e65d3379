from django.urls import path

from recordings.extraction.views import Spectrogram, Spectrum
from recordings.intake import downloads, views

urlpatterns = [
    path("recordings/sessions/", views.Sessions.as_view(), name="recording-sessions"),
    path("recordings/sessions/<uuid:session_id>", views.Session.as_view(), name="recording-session"),
    path("recordings/sessions/<uuid:session_id>/complete", views.EndSession.as_view(), name="recording-complete"),
    path(
        "recordings/sessions/<uuid:session_id>/measurements",
        views.Measurements.as_view(),
        name="recording-measurements",
    ),
    path("recordings/measurements/<uuid:measurement_id>", views.OneMeasurement.as_view(), name="recording-measurement"),
    path(
        "recordings/measurements/<uuid:measurement_id>/spectrogram.png",
        Spectrogram.as_view(),
        name="measurement-spectrogram",
    ),
    path(
        "recordings/measurements/<uuid:measurement_id>/spectrum.png",
        Spectrum.as_view(),
        name="measurement-spectrum",
    ),
    *(
        path(
            f"recordings/measurements/<uuid:measurement_id>/{kind}",
            downloads.RecordingFile.as_view(kind=kind),
            name=f"recording-{kind}",
        )
        for kind in downloads.KINDS
    ),
]
