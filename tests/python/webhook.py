"""A webhook receiver that checks each delivery with the public `standardwebhooks` package.

Prints its port, then each verified notification as one line of JSON. `--fail N` answers 503 to
the first N deliveries; `--port` takes that one instead of one that the kernel chooses. Ends when
standard input closes.
"""

import argparse
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook

arguments = argparse.ArgumentParser()
arguments.add_argument("--secret", required=True)
arguments.add_argument("--fail", type=int, default=0)
arguments.add_argument("--port", type=int, default=0)
options = arguments.parse_args()
failures = options.fail
lock = threading.Lock()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        global failures
        body = self.rfile.read(int(self.headers["content-length"]))
        with lock:
            failing = failures > 0
            failures -= failing
        if failing:
            self.answer(503)
            return
        verified = Webhook(options.secret).verify(body, dict(self.headers))
        line = json.dumps({"id": self.headers["webhook-id"], "body": verified})
        with lock:
            print(line, flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", options.port), Receiver)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
