"""A service that asks for something large and reads nothing of the answer, until its standard input
ends."""

import argparse
import socket
import ssl
import sys

from client import Service, load_private

arguments = argparse.ArgumentParser()
arguments.add_argument("--agent", required=True)
arguments.add_argument("--cacert")
arguments.add_argument("--key", required=True)
arguments.add_argument("--path", required=True)
options = arguments.parse_args()
service = Service(options.agent, load_private(options.key), options.cacert)
host, port = options.agent.removeprefix("https://").split(":")
request = service.prepare(
    {
        "agent": service.about["thumbprint"],
        "secret": "heroku/prod",
        "operation": "http",
        "input": {"method": "GET", "path": options.path},
    }
)
plain = socket.socket()
# Little is taken by the system itself.
plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
plain.connect((host, int(port)))
context = ssl.create_default_context(cafile=options.cacert)
connection = context.wrap_socket(plain, server_hostname=host)
head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
body = request.body if isinstance(request.body, bytes) else request.body.encode()
connection.sendall(f"POST /v1/access HTTP/1.1\r\nHost: {host}:{port}\r\n{head}\r\n".encode() + body)
sys.stdin.read()
