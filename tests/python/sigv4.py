"""SigV4 by botocore: what the agent's signatures are compared with.

    sigv4.py vectors            prints tests/vectors/sigv4/botocore.jsonl: requests from a fixed seed
    sigv4.py published DIR      prints tests/vectors/sigv4/published.jsonl from a copy of AWS's signing
                                test suite (the folder `v4` of it), which SDKs carry
    sigv4.py check              reads {"key", "cases": [{"input", "answer"}]} and signs the same requests
                                at the times that the answers name; says what differs

A case is a line {"about", "key", "time", "input"} with "headers" or "url": `input` is what `aws-sign`
takes, the rest is what must come out.
"""

import base64
import datetime
import hashlib
import json
import pathlib
import random
import sys
import types
from urllib.parse import parse_qsl, quote, urlsplit

import botocore.auth
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

S3 = {"s3", "s3-object-lambda", "s3-outposts", "s3express"}
STAMP = "%Y%m%dT%H%M%SZ"
ADDED = ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"]


def sign(key, time, service, region, method, url, headers, body, unsigned=False, expires=None):
    """What botocore adds: a dict of headers, or the presigned URL."""
    botocore.auth.get_current_datetime = lambda *_: datetime.datetime.strptime(time, STAMP)
    credentials = Credentials(key["access_key_id"], key["secret_access_key"], key.get("session_token"))
    request = AWSRequest(method=method, url=url, headers=headers, data=body or None)
    if unsigned:
        request.context["client_config"] = types.SimpleNamespace(s3={"payload_signing_enabled": False})
    if expires is None:
        auth = (S3SigV4Auth if service in S3 else SigV4Auth)(credentials, service, region)
        auth.add_auth(request)
        names = {name.lower(): value for name, value in request.headers.items()}
        return {name: names[name] for name in ADDED if name in names}
    auth = S3SigV4QueryAuth if service in S3 else SigV4QueryAuth
    auth(credentials, service, region, expires=expires).add_auth(request)
    return request.url


def strict(text, also=""):
    return quote(text, safe="-._~" + also)


def loose(text, rng):
    """The same text in another spelling that a URL may have."""
    out = ""
    for character in text:
        encoded = strict(character)
        if encoded == character and rng.random() < 0.1:
            encoded = "".join(f"%{byte:02x}" for byte in character.encode())
        elif character in "!$&'()*,;=:@" and rng.random() < 0.5:
            encoded = character
        elif rng.random() < 0.3:
            encoded = encoded.lower() if encoded.startswith("%") else encoded
        out += encoded
    return out


TEXTS = [
    "a", "key.txt", "photos", "2026", "my file (1).jpg", "a+b=c&d", "ünï/cödé", "日本語", "~tilde-_.",
    "100%", "semi;colon", "at@sign:port", "'quoted'", "*star*", "$dollar!", "comma,", "[brackets]", "🦊",
]
HEADERS = [
    ("Content-Type", "application/json"), ("content-type", "text/plain; charset=utf-8"), ("X-Amz-Acl", "private"),
    ("x-amz-meta-note", "  several   spaces  in a row "), ("Range", "bytes=0-9"), ("X-Amz-Target", "DynamoDB_20120810.GetItem"),
    ("x-amz-storage-class", "STANDARD_IA"), ("Content-MD5", "XrY7u+Ae7tCTyyK7j1rNww=="), ("accept", "*/*"),
    ("X-Custom", 'quotes "and", commas, and = signs'), ("if-none-match", "*"), ("content-length", "20"),
]
SERVICES = ["s3", "s3", "s3", "s3express", "sqs", "sts", "iam", "dynamodb", "execute-api", "es", "lambda", "kms"]
REGIONS = ["eu-west-1", "us-east-1", "ap-southeast-2", "cn-north-1", "us-gov-west-1"]


def generate(rng, number):
    service, region = rng.choice(SERVICES), rng.choice(REGIONS)
    is_s3 = service in S3
    key = {"access_key_id": f"AKIA{rng.randrange(16**16):016X}",
           "secret_access_key": base64.b64encode(rng.randbytes(30)).decode()}
    if rng.random() < 0.3:
        key["session_token"] = base64.b64encode(rng.randbytes(rng.choice([60, 400]))).decode()
    host = rng.choice([f"bucket.s3.{region}.amazonaws.com" if is_s3 else f"{service}.{region}.amazonaws.com",
                       f"{service}.example.com:8443", f"{service}-fips.{region}.amazonaws.com"])
    # A slash in a part of a path is encoded; S3 would take it for a slash all the same.
    parts = [rng.choice(TEXTS) for _ in range(rng.randrange(5))]
    parts = [part.replace("/", "") if is_s3 else part for part in parts]
    if is_s3 and parts and rng.random() < 0.2:
        parts.insert(rng.randrange(len(parts) + 1), "")
    query = {}
    for _ in range(rng.choice([0, 0, 1, 3, 6])):
        query[rng.choice(TEXTS + ["list-type", "prefix", "Action", "Version", "acl"])] = rng.choice(TEXTS + [""])
    headers = {}
    for name, value in rng.sample(HEADERS, rng.choice([0, 1, 2, 5])):
        if name.lower() not in [known.lower() for known in headers]:
            headers[name] = value
    if "Action" in query:
        headers.pop("X-Amz-Target", None)
    method = rng.choice(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"])
    expires = rng.choice([1, 900, 604800]) if rng.random() < 0.35 else None
    body, unsigned = b"", False
    if expires is None and method in ("PUT", "POST", "PATCH"):
        body = rng.randbytes(rng.choice([0, 5, 1000]))
        unsigned = is_s3 and rng.random() < 0.3

    url = f"https://{host}/" + "/".join(strict(part) for part in parts)
    if query:
        url += "?" + "&".join(f"{strict(name)}={strict(value)}" for name, value in query.items())
    time = datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=rng.randrange(10**8))
    time = time.strftime(STAMP)
    expected = sign(key, time, service, region, method, url, dict(headers), body, unsigned, expires)

    asked = {"service": service, "region": region, "method": method}
    loose_path = "/" + "/".join(loose(part, rng) for part in parts)
    if not is_s3 and parts and rng.random() < 0.3:
        # What is normalised away.
        loose_path = rng.choice(["/.", "//", "/gone/..", "/%2e"]) + loose_path
    if rng.random() < 0.5:
        asked["url"] = f"https://{host}{loose_path}"
        if query:
            asked["url"] += "?" + "&".join(
                strict(name) + ("" if value == "" and rng.random() < 0.5 else "=" + strict(value))
                for name, value in query.items())
    else:
        asked.update({"host": host.upper() if rng.random() < 0.2 else host, "path": loose_path, "query": query})
    if headers:
        asked["headers"] = headers
    if unsigned:
        asked["body_sha256"] = "UNSIGNED-PAYLOAD"
    elif body and rng.random() < 0.5:
        asked["body_sha256"] = hashlib.sha256(body).hexdigest()
    elif body:
        asked["body"] = base64.b64encode(body).decode()
    if expires is not None:
        asked["presign"] = {"expires": expires}
    return {"about": f"generated {number}", "key": key, "time": time, "input": asked,
            ("headers" if expires is None else "url"): expected}


def published(folder):
    """The cases of the suite that `aws-sign` has an input for; the rest is named on standard error."""
    for case in sorted(pathlib.Path(folder).iterdir()):
        if not (case / "context.json").exists():
            continue
        context = json.loads((case / "context.json").read_text())
        head, _, body = (case / "request.txt").read_text().partition("\n\n")
        line, *fields = head.splitlines()
        method, target = line.split(" ", 1)[0], line.split(" ", 1)[1].rsplit(" ", 1)[0]
        names = [field.split(":", 1)[0].lower() for field in fields]
        why_not = None
        if not context["normalize"]:
            why_not = "a service that is not S3 has its paths normalised"
        elif len(set(names)) < len(names) or any(field.startswith(" ") for field in fields):
            why_not = "a header stands once, on one line"
        elif context.get("omit_session_token"):
            why_not = "a session token is always signed"
        elif "%25" not in (case / "header-canonical-request.txt").read_text().splitlines()[1] and "%" in target.partition("?")[0]:
            why_not = "the path of a service that is not S3 is encoded twice"
        elif target.partition("?")[0] != quote(target.partition("?")[0], safe="/%-._~"):
            why_not = "paths are sent with every byte encoded that is not unreserved"
        if why_not:
            print(f"left out: {case.name}: {why_not}", file=sys.stderr)
            continue
        path, _, query = target.partition("?")
        headers = {name.strip(): value.strip() for name, value in (field.split(":", 1) for field in fields)}
        lower = {name.lower(): name for name in headers}
        host = headers.pop(lower["host"])
        for own in ("x-amz-date", "x-amz-security-token"):
            headers.pop(lower.get(own, own), None)
        secrets = context["credentials"]
        key = {"access_key_id": secrets["access_key_id"], "secret_access_key": secrets["secret_access_key"]}
        if "token" in secrets:
            key["session_token"] = secrets["token"]
        asked = {"service": context["service"], "region": context["region"], "method": method,
                 "url": f"https://{host}{path}" + ("?" + quote(query, safe="=&%-._~") if query else "")}
        if body:
            asked["body"] = base64.b64encode(body.encode()).decode()
        if context["sign_body"]:
            headers["x-amz-content-sha256"] = hashlib.sha256(body.encode()).hexdigest()
        if headers:
            asked["headers"] = headers
        time = context["timestamp"].replace("-", "").replace(":", "")
        signed = (case / "header-signed-request.txt").read_text().partition("\n\n")[0]
        fields = dict(field.split(":", 1) for field in signed.splitlines()[1:])
        fields = {name.lower(): value for name, value in fields.items()}
        yield {"about": case.name, "key": key, "time": time, "input": asked,
               "headers": {name: fields[name] for name in ADDED if name in fields}}
        if not body and not context["sign_body"]:
            signature = (case / "query-signature.txt").read_text().strip()
            yield {"about": f"{case.name}, presigned", "key": key, "time": time, "signature": signature,
                   "input": {**asked, "presign": {"expires": context["expiration_in_seconds"]}}}


def check(told):
    """Signs what was asked as the answer spells it, and compares."""
    wrong = []
    for case in told["cases"]:
        asked, answer = case["input"], case["answer"]
        parts = urlsplit(answer["url"])
        query = parse_qsl(parts.query, keep_blank_values=True)
        presigned = dict(query) if "presign" in asked else {}
        time = presigned.get("X-Amz-Date") or answer["headers"]["x-amz-date"]
        age = abs((datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
                   - datetime.datetime.strptime(time, STAMP)).total_seconds())
        plain = [(name, value) for name, value in query if not presigned or not name.startswith("X-Amz-")]
        url = f"{parts.scheme}://{parts.netloc}{parts.path}"
        if plain:
            url += "?" + "&".join(f"{strict(name)}={strict(value)}" for name, value in plain)
        unsigned = asked.get("body_sha256") == "UNSIGNED-PAYLOAD"
        expected = sign(told["key"], time, asked["service"], asked["region"], asked["method"], url,
                        dict(asked.get("headers", {})), base64.b64decode(asked.get("body", "")), unsigned,
                        asked.get("presign", {}).get("expires"))
        if presigned:
            found, expected = sorted(query), sorted(parse_qsl(urlsplit(expected).query, keep_blank_values=True))
        else:
            found = answer["headers"]
        # AWS takes requests that are up to 15 minutes old.
        if found != expected or age > 900:
            wrong.append({"input": asked, "found": found, "expected": expected, "age": age})
    return wrong


def main():
    match sys.argv[1:]:
        case ["vectors"]:
            rng = random.Random(4)
            for number in range(300):
                print(json.dumps(generate(rng, number), ensure_ascii=True, sort_keys=True))
        case ["published", folder]:
            for case in published(folder):
                print(json.dumps(case, ensure_ascii=True, sort_keys=True))
        case ["check"]:
            told = json.load(sys.stdin)
            wrong = check(told)
            json.dump({"cases": len(told["cases"]), "wrong": wrong}, sys.stdout)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
