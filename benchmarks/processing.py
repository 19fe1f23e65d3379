"""A process that works off reports that wait, as the task does, until it is ended."""

import time

import django

READY = "works off reports"  # what its connection is called once it has loaded what it needs


def main() -> None:
    django.setup()
    from django.db import connection

    from reports.classification.published import classifier
    from reports.duplicates.published import finder
    from reports.processing import process_waiting

    classifier(), finder()
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET application_name = %s", [READY])
    while True:
        if not process_waiting():
            time.sleep(0.02)


if __name__ == "__main__":
    main()
