"""Background work over HTTP: tasks, controls, statistics, streams."""
