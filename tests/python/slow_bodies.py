"""A service that announces large bodies with heads that are signed well, sends a little of each, and
then waits until its standard input ends."""

import argparse
import socket
import ssl
import sys

from client import Service, load_private

arguments = argparse.ArgumentParser()
arguments.add_argument("--agent", required=True)
arguments.add_argument("--cacert")
arguments.add_argument("--key", required=True)
arguments.add_argument("--count", type=int, required=True)
options = arguments.parse_args()
service = Service(options.agent, load_private(options.key), options.cacert)
context = ssl.create_default_context(cafile=options.cacert)
host, port = options.agent.removeprefix("https://").split(":")
open_connections = []
for _ in range(options.count):
    body = {
        "agent": service.about["thumbprint"],
        "secret": "mac-key",
        "operation": "mac",
        "input": {"message": "A" * 1_000_000},
    }
    request = service.prepare(body)
    connection = context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host)
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    connection.sendall(f"POST /v1/access HTTP/1.1\r\nHost: {host}:{port}\r\n{head}\r\n{{".encode())
    open_connections.append(connection)
print("sending", flush=True)
sys.stdin.read()
