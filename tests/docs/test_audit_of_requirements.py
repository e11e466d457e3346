"""`make audit` says what is known, what is not, and never that all is well when nobody was asked."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

SCRIPT = Path(__file__).parents[2] / "requirements" / "audit.py"
PACKAGE = "httpx==0.28.1 --hash=sha256:" + "0" * 64 + "\n"
KNOWN = {
    "id": "GHSA-1111-2222-3333",
    "aliases": ["CVE-2026-1"],
    "summary": "it leaks",
    "affected": [
        {
            "package": {"name": "httpx", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "0.29.0"}]}],
        }
    ],
}


@pytest.fixture
def osv() -> Iterator[ThreadingHTTPServer]:
    """Answers every question with `vulns`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"vulns": server.vulns}).encode()  # type: ignore[attr-defined]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def audited(folder: Path, port: int) -> tuple[int, str]:
    for name in ("worker.txt", "dev.txt"):
        (folder / name).write_text(PACKAGE)
    script = folder / "audit.py"
    script.write_text(SCRIPT.read_text())
    command = [sys.executable, str(script), "--osv-url", f"http://127.0.0.1:{port}/v1/query"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    return done.returncode, done.stdout


def test_nothing_is_known(osv: ThreadingHTTPServer, tmp_path: Path) -> None:
    osv.vulns = []  # type: ignore[attr-defined]
    code, told = audited(tmp_path, osv.server_port)
    assert (code, told.splitlines()[0]) == (0, "worker.txt: 1 packages, 0 with known vulnerabilities")


def test_something_is_known(osv: ThreadingHTTPServer, tmp_path: Path) -> None:
    osv.vulns = [KNOWN]  # type: ignore[attr-defined]
    code, told = audited(tmp_path, osv.server_port)
    assert code == 1
    assert "worker.txt: httpx 0.28.1: CVE-2026-1, GHSA-1111-2222-3333; fixed in 0.29.0" in told.splitlines()


def test_nobody_could_be_asked(osv: ThreadingHTTPServer, tmp_path: Path) -> None:
    osv.shutdown()
    osv.server_close()
    code, told = audited(tmp_path, osv.server_port)
    assert code == 2
    assert told.splitlines()[0].endswith("could not be asked, or not about everything: nobody knows")
