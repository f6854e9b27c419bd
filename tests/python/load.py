"""Services that ask without a pause, over connections that stay open, until told how many, until
standard input ends (`--until-eof`) or until the agent is gone; each request is written down with what became of it, one JSON object a line.

`status` is null when no answer came, else the answer was checked as in `client.py`: signature,
binding to this request, digest, receipt. `bytes` is the request as it was sent, and `--resend FILE`
sends those of an earlier run again, the very same bytes, instead of new ones.
"""

import argparse
import base64
import json
import secrets
import sys
import threading

import requests
from client import Service, b64url, load_private

arguments = argparse.ArgumentParser()
arguments.add_argument("--agent", required=True)
arguments.add_argument("--cacert")
arguments.add_argument("--key", action="append", required=True, help="one service each")
arguments.add_argument("--threads", type=int, default=1, help="for each service")
arguments.add_argument("--count", type=int, default=1 << 60, help="requests of each thread")
arguments.add_argument("--until-eof", action="store_true")
arguments.add_argument("--resend", help="what an earlier run wrote")
arguments.add_argument("body", nargs="?", help="the request's JSON, without agent; NONCE in it stands for the nonce")
options = arguments.parse_args()
lock = threading.Lock()
ended = threading.Event()


def note(line):
    with lock:
        print(json.dumps(line), flush=True)


def send(service, key, nonce, request):
    """Sends, and writes down what became of it; whether the agent is still there."""
    line = {
        "key": key,
        "nonce": nonce,
        "bytes": {"headers": dict(request.headers), "body": base64.b64encode(request.body).decode()},
        "status": None,
        "answer": None,
    }
    try:
        response = service.session.send(request, timeout=60)
        line["status"], line["answer"] = response.status_code, service.check(response)
    except requests.RequestException as error:
        line["error"] = repr(error)
    note(line)
    return line["status"] is not None


def ask(key):
    service = Service(options.agent, load_private(key), options.cacert)
    for _ in range(options.count):
        nonce = b64url(secrets.token_bytes(18))
        body = json.loads(options.body.replace("NONCE", nonce))
        body = {"agent": service.about["thumbprint"], **body}
        # Good for as long as a request may be, so that a resend much later is still in time.
        request = service.prepare(body, nonce=nonce, lifetime=300)
        if isinstance(request.body, str):
            request.body = request.body.encode()
        if not send(service, key, nonce, request) or ended.is_set():
            return


def resend(key):
    service = Service(options.agent, load_private(key), options.cacert)
    for line in map(json.loads, open(options.resend)):
        if line["key"] == key:
            request = requests.Request(
                "POST",
                f"{service.agent}/v1/access",
                data=base64.b64decode(line["bytes"]["body"]),
                headers=line["bytes"]["headers"],
            ).prepare()
            send(service, key, line["nonce"], request)


def thread(key):
    try:
        resend(key) if options.resend else ask(key)
    except requests.ConnectionError:
        pass  # The agent went away before this one began.
    except BaseException as error:
        failures.append(repr(error))


def wait_for_the_end():
    sys.stdin.read()
    ended.set()


if options.until_eof:
    threading.Thread(target=wait_for_the_end, daemon=True).start()
failures = []
work = [threading.Thread(target=thread, args=[key]) for key in options.key for _ in range(options.threads)]
for each in work:
    each.start()
for each in work:
    each.join()
sys.exit("\n".join(failures) or None)
