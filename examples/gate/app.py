"""An application without any sign-in of its own."""
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from verify import who


class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        upload = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            user, status = who(self.headers), 200
        except Exception as error:  # forged, or the keys cannot be fetched
            user, status = str(error), 403
        page = json.dumps({"path": self.path, "user": user, "uploaded": len(upload), "headers": self.headers.items()})
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page.encode())

    do_GET = do_POST = answer


ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 9001))), App).serve_forever()
