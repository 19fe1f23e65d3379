from django.apps import AppConfig


class GardenConfig(AppConfig):
    name = "tests.garden"
    label = "garden"

    def ready(self) -> None:
        from tests import stop_points

        stop_points.activate()
