"""One signed request that is half sent, and finished only when told to.

Prints `half` once the agent has the headers and half of the body; reads one line from standard
input; sends the rest, and prints the checked answer with its status.
"""

import argparse
import http.client
import json
import socket
import ssl
import sys
import types
from urllib.parse import urlsplit

from client import Service, load_private

arguments = argparse.ArgumentParser()
arguments.add_argument("--agent", required=True)
arguments.add_argument("--cacert", required=True)
arguments.add_argument("--key", required=True)
arguments.add_argument("body")
options = arguments.parse_args()

service = Service(options.agent, load_private(options.key), options.cacert)
request = service.prepare({"agent": service.about["thumbprint"], **json.loads(options.body)})
service.session.close()
body = request.body if isinstance(request.body, bytes) else request.body.encode()
half = len(body) // 2

place = urlsplit(options.agent)
tls = ssl.create_default_context(cafile=options.cacert)
connection = tls.wrap_socket(
    socket.create_connection((place.hostname, place.port)), server_hostname=place.hostname
)
head = f"POST {request.path_url} HTTP/1.1\r\nHost: {place.netloc}\r\nExpect: 100-continue\r\n"
head += "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
connection.sendall(head.encode() + b"\r\n")
# "Continue" says that the agent has read the headers and waits for the body.
told = b""
while not told.endswith(b"\r\n\r\n"):
    piece = connection.recv(1)
    assert piece, told
    told += piece
assert told.startswith(b"HTTP/1.1 100 "), told
connection.sendall(body[:half])
print("half", flush=True)
sys.stdin.readline()
connection.sendall(body[half:])

raw = http.client.HTTPResponse(connection, method="POST")
raw.begin()
content = raw.read()
answer = service.check(
    types.SimpleNamespace(
        status_code=raw.status,
        headers=raw.headers,
        content=content,
        request=request,
        url=request.url,
        json=lambda: json.loads(content),
    )
)
json.dump({"status": raw.status, "answer": answer}, sys.stdout)
