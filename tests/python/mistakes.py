"""Requests that an agent must refuse, each wrong in one way that its name says.

Takes an enrolled key, one that nobody enrolled, and a request's JSON. Prints, for each mistake,
the status and the problem; the answer's signature is checked like that of any other answer.
"""

import argparse
import base64
import datetime
import hashlib
import json
import sys

from client import Service, load_private, thumbprint
from cryptography.exceptions import InvalidSignature

arguments = argparse.ArgumentParser()
arguments.add_argument("--agent", required=True)
arguments.add_argument("--cacert")
arguments.add_argument("--key", required=True)
arguments.add_argument("--stranger", required=True)
arguments.add_argument("body")
options = arguments.parse_args()

service = Service(options.agent, load_private(options.key), options.cacert)
stranger = Service(options.agent, load_private(options.stranger), options.cacert)
body = {"agent": service.about["thumbprint"], **json.loads(options.body)}
now = datetime.datetime.now(datetime.timezone.utc)


def minutes(count):
    return datetime.timedelta(minutes=count)


def digest_of(data: bytes) -> str:
    """RFC 9530."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def altered_body():
    request = service.prepare(body)
    request.body = request.body.replace(b'"sign"', b'"sig\\u006e"')
    request.headers["content-length"] = str(len(request.body))
    return request


def altered_body_and_digest():
    request = altered_body()
    request.headers["content-digest"] = digest_of(request.body)
    return request


def without(header):
    request = service.prepare(body)
    del request.headers[header]
    return request


mistakes = {
    "another-agent": lambda: service.prepare({**body, "agent": thumbprint(stranger.private.public_key())}),
    "expired": lambda: service.prepare(body, created=now - minutes(10)),
    "from-the-future": lambda: service.prepare(body, created=now + minutes(10)),
    "good-for-too-long": lambda: service.prepare(body, lifetime=3600),
    "unknown-key": lambda: stranger.prepare(body),
    "altered-body": altered_body,
    "altered-body-and-digest": altered_body_and_digest,
    "another-content-type": lambda: service.prepare(body, content_type="text/plain"),
    "no-digest": lambda: without("content-digest"),
    "no-signature": lambda: without("signature"),
    "short-nonce": lambda: service.prepare(body, nonce="short"),
    "unknown-field": lambda: service.prepare({**body, "base_url": "https://example.com"}),
    "unknown-secret": lambda: service.prepare({**body, "secret": "no-such-secret"}),
}

told = {}
for name, make in mistakes.items():
    response = service.session.send(make(), timeout=30)
    if "signature" in response.request.headers:
        try:
            answer = service.check(response)
        except (AssertionError, InvalidSignature) as error:
            sys.exit(f"{name}: the answer does not hold: {error!r}")
    else:
        answer = response.json()
    told[name] = {"status": response.status_code, "answer": answer}
json.dump(told, sys.stdout)
