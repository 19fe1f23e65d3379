"""A process that works off reports that wait, as the task does, until it is ended."""

import time

import django


def main() -> None:
    django.setup()
    from django.db import connection

    from reports.processing import process_waiting

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    while True:
        if not process_waiting():
            time.sleep(0.02)


if __name__ == "__main__":
    main()
