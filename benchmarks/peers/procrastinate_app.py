"""Procrastinate, whose rows are in PostgreSQL: `procrastinate --app=benchmarks.peers.procrastinate_app.app worker`;
`python -m benchmarks.peers.procrastinate_app COUNT`.
"""

import os
import sys

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

app = App(connector=PsycopgConnector(conninfo=os.environ["DATABASE_URL"]))


@app.task(name="noop")
def noop() -> None:
    """Its row is the job's own."""


if __name__ == "__main__":
    with app.replace_connector(SyncPsycopgConnector(conninfo=os.environ["DATABASE_URL"])) as here, here.open():
        noop.configure().batch_defer(*({} for _ in range(int(sys.argv[1]))))
