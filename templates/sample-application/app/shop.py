"""A web service that says which deployment it is of: the sample that the hooks install."""

import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

DEPLOYMENT = Path(__file__).with_name("deployment")


class Health(BaseHTTPRequestHandler):
    """Answers /health with the deployment that it was started from."""

    started_from = DEPLOYMENT.read_text(encoding="utf-8").strip() if DEPLOYMENT.exists() else "unknown"

    def do_GET(self) -> None:
        body = json.dumps({"deployment": self.started_from}).encode()
        self.send_response(200 if self.path == "/health" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(os.environ.get("SHOP_PORT", "8080"))), Health).serve_forever()
