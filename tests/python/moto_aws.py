"""AWS as the tests have it: moto, behind a check of signatures by botocore.

Prints its port on the first line, and then one JSON line for each request that it got: who signed
it for what, and whether AWS would have taken the signature. Ends when its standard input does.

Knows the access keys that it is told, and those that its Security Token Service hands out.
"""

import argparse
import datetime
import io
import json
import os
import sys
import threading
import xml.etree.ElementTree as ElementTree
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from sigv4 import S3, STAMP

lock = threading.Lock()
keys = {}

REFUSAL = (
    '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
    "<Code>{code}</Code><Message>{detail}</Message></Error><RequestId>0</RequestId></ErrorResponse>"
)


def say(line):
    with lock:
        print(json.dumps(line), flush=True)


class Refused(Exception):
    def __init__(self, code, detail=""):
        super().__init__(code)
        self.code, self.detail = code, detail


def strict(text):
    return quote(text, safe="-._~")


def verify(method, host, target, headers, body):
    """Signs the request as it arrived, with what is known of the key, and compares."""
    parts = urlsplit(target)
    query = parse_qsl(parts.query, keep_blank_values=True)
    presigned = dict(query) if any(name == "X-Amz-Signature" for name, _ in query) else None
    if presigned:
        credential, signed = presigned["X-Amz-Credential"], presigned["X-Amz-SignedHeaders"]
        signature, time, token = presigned["X-Amz-Signature"], presigned["X-Amz-Date"], presigned.get("X-Amz-Security-Token")
    elif "authorization" in headers:
        algorithm, _, rest = headers["authorization"].partition(" ")
        if algorithm != "AWS4-HMAC-SHA256":
            raise Refused("IncompleteSignature")
        fields = dict(field.strip().split("=", 1) for field in rest.split(","))
        credential, signed, signature = fields["Credential"], fields["SignedHeaders"], fields["Signature"]
        time, token = headers["x-amz-date"], headers.get("x-amz-security-token")
    else:
        raise Refused("MissingAuthenticationToken")
    key_id, day, region, service, _ = credential.split("/")
    who = {"key": key_id, "region": region, "service": service, "presigned": bool(presigned)}
    known = keys.get(key_id)
    if known is None:
        raise Refused("InvalidClientTokenId", json.dumps(who))
    if known.get("session_token") != token:
        raise Refused("InvalidClientTokenId", "the session token is another one")
    signed_at = datetime.datetime.strptime(time, STAMP)
    age = (datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - signed_at).total_seconds()
    longest = int(presigned["X-Amz-Expires"]) if presigned else 900
    if not -900 < age < longest:
        raise Refused("RequestExpired")
    names = signed.split(";")
    # AWS demands these, whatever the client said that it signed.
    must = {"host"} | {name for name in headers if name.startswith("x-amz-")}
    if not must <= set(names):
        raise Refused("SignatureDoesNotMatch", f"not signed: {must - set(names)}")
    plain = [(name, value) for name, value in query if not presigned or not name.startswith("X-Amz-")]
    # S3 looks at the name of the object; others at what was sent.
    path = quote(unquote(parts.path), safe="/-._~") if service in S3 else parts.path
    url = f"https://{host}{path}"
    if plain:
        url += "?" + "&".join(f"{strict(name)}={strict(value)}" for name, value in plain)
    added = ("x-amz-date", "x-amz-security-token", "authorization")
    request = AWSRequest(method=method, url=url, data=None if presigned else body or None,
                         headers={name: headers[name] for name in names if name not in added})
    with lock:
        botocore.auth.get_current_datetime = lambda *_: signed_at
        credentials = Credentials(key_id, known["secret_access_key"], token)
        if presigned:
            auth = botocore.auth.S3SigV4QueryAuth if service in S3 else botocore.auth.SigV4QueryAuth
            auth(credentials, service, region, expires=longest).add_auth(request)
            expected = dict(parse_qsl(urlsplit(request.url).query))["X-Amz-Signature"]
        else:
            auth = botocore.auth.S3SigV4Auth if service in S3 else botocore.auth.SigV4Auth
            auth(credentials, service, region).add_auth(request)
            expected = request.headers["Authorization"].rpartition("Signature=")[2]
    if expected != signature:
        raise Refused("SignatureDoesNotMatch")
    return who


def learn(answer):
    """Keys that the Security Token Service made."""
    if b"<SecretAccessKey>" not in answer:
        return
    texts = {element.tag.rpartition("}")[2]: element.text for element in ElementTree.fromstring(answer).iter()}
    keys[texts["AccessKeyId"]] = {"secret_access_key": texts["SecretAccessKey"], "session_token": texts["SessionToken"]}


class Checked:
    """Lets only that through which is signed as AWS would have it."""

    def __init__(self, moto):
        self.moto = moto

    def __call__(self, environ, start):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        headers = {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if environ.get(name):
                headers[name.lower().replace("_", "-")] = environ[name]
        got = {"method": environ["REQUEST_METHOD"], "target": environ["RAW_URI"], "headers": headers,
               "body": body.decode(errors="replace")}
        try:
            got["who"] = verify(got["method"], environ["HTTP_HOST"], environ["RAW_URI"], headers, body)
        except Refused as why:
            say({**got, "refused": why.code, "detail": why.detail})
            answer = REFUSAL.format(code=why.code, detail="no").encode()
            start("403 Forbidden", [("Content-Type", "text/xml"), ("Content-Length", str(len(answer)))])
            return [answer]
        # moto tells services apart by this header alone.
        if "HTTP_AUTHORIZATION" not in environ:
            who = got["who"]
            environ["HTTP_AUTHORIZATION"] = (
                f"AWS4-HMAC-SHA256 Credential={who['key']}/20260101/{who['region']}/{who['service']}/aws4_request, "
                "SignedHeaders=host, Signature=0")
        say(got)
        answer = b"".join(self.moto(environ, start))
        if got["who"]["service"] == "sts":
            learn(answer)
        return [answer]


class Quiet(WSGIRequestHandler):
    def log(self, *_):
        pass


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cert")
    arguments.add_argument("--key")
    arguments.add_argument("keys", help='JSON: {"ID": {"secret_access_key": …, "session_token"?: …}}')
    options = arguments.parse_args()
    keys.update(json.loads(options.keys))
    moto = DomainDispatcherApplication(create_backend_app)
    context = (options.cert, options.key) if options.cert else None
    server = make_server("127.0.0.1", 0, Checked(moto), threaded=True, request_handler=Quiet, ssl_context=context)
    print(server.port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
