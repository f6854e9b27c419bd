"""A service that calls Strongroom with nothing of Strongroom's: public libraries and the RFCs.

Signs the request with `http-message-signatures` (RFC 9421), sends it with `requests`, and checks
by itself: the answer's signature and that it is bound to this very request, the content digest,
the receipt (C2SP tlog-proof over an RFC 6962 tree), and the sealed value (age).

Prints one JSON object; exit code 0 only if everything that was answered holds.
"""

import argparse
import base64
import datetime
import hashlib
import json
import secrets
import sys
import types

import pyrage
import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)

REQUEST_COMPONENTS = ("@method", "@path", "content-type", "content-digest")


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def thumbprint(public) -> str:
    """RFC 7638."""
    if isinstance(public, ed25519.Ed25519PublicKey):
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        jwk = {"crv": "Ed25519", "kty": "OKP", "x": b64url(raw)}
    else:
        numbers = public.public_numbers()
        jwk = {
            "crv": "P-256",
            "kty": "EC",
            "x": b64url(numbers.x.to_bytes(32, "big")),
            "y": b64url(numbers.y.to_bytes(32, "big")),
        }
    canonical = json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()
    return b64url(hashlib.sha256(canonical).digest())


class Keys(HTTPSignatureKeyResolver):
    def __init__(self, private=None, public=None):
        self.private, self.public = private, public

    def resolve_private_key(self, key_id):
        return self.private

    def resolve_public_key(self, key_id):
        return self.public


def algorithm(key):
    if isinstance(key, (ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey)):
        return algorithms.ED25519
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return algorithms.ECDSA_P256_SHA256


def load_private(path):
    data = open(path, "rb").read()
    if b"OPENSSH" in data:
        return serialization.load_ssh_private_key(data, None)
    return serialization.load_pem_private_key(data, None)


def check_note(note: str, vkey: str) -> tuple[str, int, bytes]:
    """A C2SP checkpoint, signed with this verifier key: its origin, size and root."""
    name, key_hash, key = vkey.split("+", 2)
    key = base64.b64decode(key)
    assert key[0] == 1, "an Ed25519 key"
    assert hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() == key_hash
    text, signatures = note.split("\n\n", 1)
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, blob = line.split(" ")
        blob = base64.b64decode(blob)
        if dash == "\u2014" and signer == name and blob[:4].hex() == key_hash:
            public = ed25519.Ed25519PublicKey.from_public_bytes(key[1:])
            public.verify(blob[4:], text.encode())
            break
    else:
        raise AssertionError("no signature by the log's key")
    origin, size, root = text.splitlines()[:3]
    assert origin == name, "the origin is the key's name"
    return origin, int(size), base64.b64decode(root)


def check_receipt(entry: str, receipt: str, vkey: str) -> int:
    """A C2SP tlog-proof of the entry: RFC 6962 section 2.1.1, as RFC 9162 2.1.3.2 checks it."""
    head, note = receipt.split("\n\n", 1)
    lines = head.splitlines()
    assert lines[0] == "c2sp.org/tlog-proof@v1", lines[0]
    lines = [line for line in lines[1:] if not line.startswith("extra ")]
    index = int(lines[0].removeprefix("index "))
    proof = [base64.b64decode(line) for line in lines[1:]]
    _, size, root = check_note(note, vkey)
    assert index < size
    fn, sn = index, size - 1
    r = hashlib.sha256(b"\x00" + entry.encode()).digest()
    for p in proof:
        assert sn != 0, "the proof is too long"
        if fn & 1 or fn == sn:
            r = hashlib.sha256(b"\x01" + p + r).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hashlib.sha256(b"\x01" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0 and r == root, "the entry is not in the tree"
    return index


class Service:
    """One enrolled service, and the agent that it talks to."""

    def __init__(self, agent: str, private, cacert=None):
        self.agent = agent.rstrip("/")
        self.private = private
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = cacert or True
        about = self.session.get(f"{self.agent}/v1/agent", timeout=30)
        about.raise_for_status()
        self.about = about.json()
        jwk = self.about["keys"]["answer"]
        raw = base64.urlsafe_b64decode(jwk["x"] + "=" * (-len(jwk["x"]) % 4))
        self.answer_key = ed25519.Ed25519PublicKey.from_public_bytes(raw)
        assert thumbprint(self.answer_key) == self.about["thumbprint"]

    def prepare(
        self,
        body: dict,
        nonce=None,
        created=None,
        lifetime=60,
        content_type="application/json",
        path="/v1/access",
        prefer=None,
    ):
        headers = {"Content-Type": content_type}
        if prefer:
            headers["Prefer"] = prefer
        request = requests.Request(
            "POST", f"{self.agent}{path}", data=json.dumps(body).encode(), headers=headers
        ).prepare()
        created = created or datetime.datetime.now(datetime.timezone.utc)
        HTTPMessageSigner(
            signature_algorithm=algorithm(self.private), key_resolver=Keys(private=self.private)
        ).sign(
            request,
            key_id=thumbprint(self.private.public_key()),
            created=created,
            expires=created + datetime.timedelta(seconds=lifetime),
            nonce=nonce or b64url(secrets.token_bytes(18)),
            label="strongroom",
            tag="strongroom",
            covered_component_ids=REQUEST_COMPONENTS,
            body=request.body,
        )
        return request

    def check(self, response):
        """The answer's signature, bound to the request; its digest; its receipt."""
        message = types.SimpleNamespace(
            status_code=response.status_code,
            headers=response.headers,
            request=response.request,
            url=response.url,
        )
        results = HTTPMessageVerifier(
            signature_algorithm=algorithms.ED25519, key_resolver=Keys(public=self.answer_key)
        ).verify(message, expect_tag="strongroom", body=response.content)
        covered = results[0].covered_components
        assert results[0].parameters["keyid"] == self.about["thumbprint"]
        names = " ".join(covered)
        for needed in ('"@status"', '"content-type"', '"content-digest"', '"signature";'):
            assert needed in names, f"{needed} is not covered by {names}"
        assert ";req" in [name for name in covered if name.startswith('"signature"')][0]
        answer = response.json()
        if "receipt" in answer:
            check_receipt(answer["entry"], answer["receipt"], self.about["keys"]["checkpoint"])
        return answer

    def call(self, what: str, number: str, **options):
        """Asks for the `result` of a request that waits for an approval, or to `cancel` it."""
        body = {"agent": self.about["thumbprint"], "id": number}
        request = self.prepare(body, path=f"/v1/access/{what}", **options)
        response = self.session.send(request, timeout=150)
        return response, self.check(response)

    def ask(self, body: dict, **options):
        identity = pyrage.x25519.Identity.generate()
        body = {"agent": self.about["thumbprint"], "reply_to": str(identity.to_public()), **body}
        request = self.prepare(body, **options)
        response = self.session.send(request, timeout=150)
        answer = self.check(response)
        if "sealed" in answer:
            answer["opened"] = json.loads(pyrage.decrypt(answer["sealed"].encode(), [identity]))
        return response, answer


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--agent", required=True)
    arguments.add_argument("--cacert")
    arguments.add_argument("--key", required=True)
    arguments.add_argument("--replay", action="store_true", help="send the same bytes again")
    arguments.add_argument("--prefer", help="the header Prefer: wait=60")
    arguments.add_argument("--result", metavar="ID", help="collect what became of a request that waited")
    arguments.add_argument("--cancel", metavar="ID", help="give up a request that waits")
    arguments.add_argument("--curl", metavar="FILE", help="sign only, and write a configuration for curl")
    arguments.add_argument("body", nargs="?", help="the request's JSON, or @FILE, without agent and reply_to")
    options = arguments.parse_args()
    service = Service(options.agent, load_private(options.key), options.cacert)
    body = options.body
    if body and body.startswith("@"):
        body = open(body[1:]).read()
    if options.curl:
        body = {"agent": service.about["thumbprint"], **json.loads(body)}
        with open(options.curl, "w") as file:
            request = service.prepare(body, prefer=options.prefer)
            for name, value in request.headers.items():
                file.write(f"header = {json.dumps(f'{name}: {value}')}\n")
            file.write(f"data-binary = {json.dumps(request.body.decode())}\n")
        json.dump({}, sys.stdout)
        return
    if options.result or options.cancel:
        what = "result" if options.result else "cancel"
        response, answer = service.call(what, options.result or options.cancel, prefer=options.prefer)
    else:
        response, answer = service.ask(json.loads(body), prefer=options.prefer)
    out = {"status": response.status_code, "answer": answer}
    if "Preference-Applied" in response.headers:
        out["applied"] = response.headers["Preference-Applied"]
    if "Retry-After" in response.headers:
        out["retry_after"] = response.headers["Retry-After"]
    if options.replay:
        again = service.session.send(response.request, timeout=30)
        out["replay"] = {"status": again.status_code, "answer": service.check(again)}
    json.dump(out, sys.stdout)


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, InvalidSignature) as error:
        sys.exit(f"does not hold: {error!r}")
