"""Whatever a client sends, the server keeps to its schema and never breaks."""

import subprocess
import sys
from pathlib import Path

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def test_generated_requests_never_break_the_server(site, tmp_path):
    site.serve()
    key = site.api_key("admin")
    command = [
        str(Path(sys.executable).parent / "st"),
        "run",
        f"{site.url}/api/v1/schema/?format=json",
        "--header",
        f"Authorization: Bearer {key}",
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        "8",
        "--seed",
        "1",
        "--checks",
        CHECKS,
        "--exclude-path-regex",
        "schema|docs|logout|/events$",
        "--request-timeout",
        "20",
        "--warnings",
        "off",
        "--generation-database",
        "none",
        "--no-color",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=420)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Traceback" not in site.processes.log.read_text()
