"""A provider of the kind that Strongroom stands in front of: HTTPS, one root key, no access control.

Prints its port on the first line, and then one JSON line for each request that it got, when it got
it: what a test compares with what the audit log says. Ends when its standard input does.

What it answers depends on the path:

    /echo               what it got, as JSON
    /status/N           that status
    /redirect           302 to /landed
    /reflect/HOW        the credential, as it came, in the answer's headers and body: HOW is plain,
                        base64, base64url, percent, hex, json, split (in two chunks) or header
    /bytes/N            N bytes; /chunks/N the same without saying how many
    /trickle/N          N bytes, the last of them when somebody asks for /open/trickle; a line tells
                        that the others are sent
    /binary             three bytes that are no text
    /compressed         gzip, which nobody asked for
    /sum                the length and SHA-256 of the body that it got
    /cut                less than its Content-Length says, and the connection is closed
    /nothing            nothing, and the connection is closed; /no-http the same after some words
    /gate/NAME          nothing, until somebody asks for /open/NAME
    /never              nothing
    /close              an answer, and then a kept connection that is closed without a word
"""

import argparse
import base64
import gzip
import hashlib
import json
import os
import socket
import ssl
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

printing = threading.Lock()
gates = {}
connections = iter(range(1, 1 << 62))


def say(line):
    with printing:
        print(line, flush=True)


def gate(name):
    with printing:
        return gates.setdefault(name, threading.Event())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.connection_number = next(connections)

    def log_message(self, *_):
        pass

    def log_got(self, body):
        subject = None
        if isinstance(self.connection, ssl.SSLSocket) and self.connection.getpeercert():
            subject = dict(pair for rdn in self.connection.getpeercert()["subject"] for pair in rdn)
        self.got = {
            "method": self.command,
            "target": self.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "body": body.decode(errors="replace") if len(body) < 65536 else None,
            "length": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "certificate": subject,
            "connection": self.connection_number,
        }
        say(json.dumps(self.got))

    def credential(self):
        """Whatever it is that this request carries as one."""
        for name in ("authorization", "x-api-key", "cookie"):
            if value := self.headers.get(name):
                return value.removeprefix("Bearer ").removeprefix("Token ").split("session=")[-1]
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        return query.get("api_key", [""])[0]

    def answer(self, status, body, headers=(), chunked=False):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if not chunked:
            self.wfile.write(body)
            return
        size = max(1, len(body) // 2) if len(body) < 65536 else 60000
        for start in range(0, len(body), size):
            part = body[start : start + size]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def reflect(self, how):
        secret = self.credential()
        raw = secret.encode()
        shown = {
            "plain": secret,
            "base64": base64.b64encode(b"x" + raw).decode() + " " + base64.b64encode(raw).decode(),
            "base64url": base64.urlsafe_b64encode(raw).decode().rstrip("="),
            "percent": "".join(f"%{byte:02x}" for byte in raw) + " " + urllib.parse.quote(secret, safe=""),
            "hex": raw.hex(),
            "json": "".join(f"\\u{ord(c):04x}" for c in secret),
            "split": secret,
            "header": "",
        }[how]
        headers = [("X-Echo", secret), ("Set-Cookie", f"last={secret}; Path=/")] if how == "header" else []
        body = json.dumps({"you": "sent"}).encode()[:-1] + b', "key": "' + shown.encode() + b'"}'
        self.answer(200, body, [("Content-Type", "application/json"), *headers], how == "split")

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urllib.parse.urlsplit(self.path).path
        first, _, rest = path[1:].partition("/")
        if first == "open":
            gate(rest).set()
            return self.answer(204, b"")
        self.log_got(body)
        if first == "echo":
            self.answer(200, json.dumps(self.got).encode(), [("Content-Type", "application/json"), ("X-Provider", "weak")])
        elif first == "status":
            self.answer(int(rest), b'{"error": "said so"}', [("Content-Type", "application/json")])
        elif first == "redirect":
            self.answer(302, b"", [("Location", "/landed")])
        elif first == "reflect":
            self.reflect(rest)
        elif first in ("bytes", "chunks"):
            body = (b"0123456789abcdef" * (int(rest) // 16 + 1))[: int(rest)]
            self.answer(200, body, [("Content-Type", "application/octet-stream")], first == "chunks")
        elif first == "sum":
            self.answer(200, json.dumps({"length": len(body), "sha256": self.got["sha256"]}).encode())
        elif first == "binary":
            self.answer(200, b"\xff\x00\xfe")
        elif first == "compressed":
            body = gzip.compress(self.credential().encode())
            self.answer(200, body, [("Content-Encoding", "gzip")])
        elif first == "trickle":
            self.send_response(200)
            self.send_header("Content-Length", rest)
            self.end_headers()
            self.wfile.write(b"a" * (int(rest) - 1))
            say(json.dumps({"trickled": int(rest) - 1}))
            gate("trickle").wait()
            self.wfile.write(b"b")
        elif first in ("nothing", "no-http"):
            self.wfile.write(b"220 mail.example ESMTP\r\n" if first == "no-http" else b"")
            self.close_connection = True
        elif first == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"0123456789")
            self.close_connection = True
        elif first == "gate":
            gate(rest).wait()
            self.answer(200, b"{}")
        elif first == "never":
            threading.Event().wait()
        elif first == "close":
            self.answer(200, b"{}")
            self.close_connection = True
        else:
            self.answer(200, b"{}", [("Content-Type", "application/json")])

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, context):
        self.context = context
        super().__init__(("127.0.0.1", 0), Handler)

    def finish_request(self, request, address):
        # The handshake in the connection's own thread: a slow one is nobody else's business.
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.context:
            request = self.context.wrap_socket(request, server_side=True)
        try:
            super().finish_request(request, address)
        finally:
            try:
                request.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            request.close()

    def handle_error(self, *_):
        pass


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cert")
    arguments.add_argument("--key")
    arguments.add_argument("--client-ca", help="demand client certificates of this authority")
    arguments.add_argument("--tls12", action="store_true", help="nothing newer than TLS 1.2")
    options = arguments.parse_args()
    context = None
    if options.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.cert, options.key)
        if options.tls12:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if options.client_ca:
            context.load_verify_locations(options.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    server = Server(context)
    say(server.server_address[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
