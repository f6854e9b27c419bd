"""A receiver of notifications that believes nothing: it checks each POST by what the format's own
public package or documentation says.

`standard`: the public `standardwebhooks` package, with each `--secret`; a delivery that not all of the
`--secret`s verify is refused unless `--any` is given. `slack`: the models of Slack's own SDK. `teams`:
the published schema of Adaptive Cards. `ntfy`: what the server's documentation says of publishing JSON.

Prints its port, then one line of JSON for each delivery that was right. What is wrong is answered 400 and
printed too, as `{"wrong": …}`. `--answers 503:2,410,302` answers these statuses first, with
`Retry-After: 2` in the first of these; `--port` takes that port. With `--certificate` and `--key` it speaks
TLS. Ends when standard input closes.
"""

import argparse
import base64
import hashlib
import json
import re
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources

import jsonschema
from slack_sdk.models.blocks import Block
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

arguments = argparse.ArgumentParser()
arguments.add_argument("format", choices=["standard", "slack", "teams", "ntfy"])
arguments.add_argument("--secret", action="append", default=[])
arguments.add_argument("--any", action="store_true")
arguments.add_argument("--path", default="/")
arguments.add_argument("--authorization")
arguments.add_argument("--topic")
arguments.add_argument("--answers", default="")
arguments.add_argument("--port", type=int, default=0)
arguments.add_argument("--certificate")
arguments.add_argument("--key")
options = arguments.parse_args()
answers = [answer for answer in options.answers.split(",") if answer]
lock = threading.Lock()
schema = json.loads(
    resources.files("adaptive_cards").joinpath("schemas/schema-1.5.json").read_text()
)


def check(right, problem):
    if not right:
        raise ValueError(problem)


def standard(headers, body):
    """Which of the secrets verify it."""
    verified = []
    for secret in options.secret:
        try:
            Webhook(secret).verify(body, headers)
            verified.append(secret)
        except WebhookVerificationError:
            check(options.any, "a secret does not verify it")
    check(verified, "no secret verifies it")
    data = json.loads(body)
    check(headers["webhook-id"] == data["data"]["id"], "the id is another")
    return {"id": headers["webhook-id"], "verified": verified, "signatures": len(headers["webhook-signature"].split())}


def id_in(foot):
    """The notification's id in the last line that a person sees."""
    return foot.split(" · ")[2].split(";")[0]


def texts(value):
    """All text objects of Slack's, wherever they are."""
    if isinstance(value, dict):
        if value.get("type") in ("plain_text", "mrkdwn"):
            yield value
        for member in value.values():
            yield from texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from texts(member)


def unescaped(text):
    """What a person sees; raises if there is anything that Slack would read as markup."""
    bare = re.sub("&(amp|lt|gt);", "", text)
    check(not set(bare) & set("&<>"), "there is markup in it")
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def slack(_headers, body):
    data = json.loads(body)
    known = {"text", "blocks", "mrkdwn", "unfurl_links", "unfurl_media"}
    check(set(data) <= known, "an unknown field")
    check(data["unfurl_links"] is False and data["unfurl_media"] is False, "links are unfurled")
    blocks = Block.parse_all(data["blocks"])
    check(1 <= len(blocks) <= 50 and len(blocks) == len(data["blocks"]), "too many blocks")
    for block, raw in zip(blocks, data["blocks"]):
        block.validate_json()
        check(block.to_dict() == raw, f"not a block: {raw}")
    seen = [unescaped(data["text"])]
    for text in texts(data["blocks"]):
        check(text["type"] == "plain_text" and text["emoji"] is False, "it is formatted")
        check(1 <= len(text["text"]) <= 3000, "a text is too long")
        seen.append(unescaped(text["text"]))
    return {"id": id_in(seen[-1]), "seen": seen}


def teams(_headers, body):
    check(len(body) <= 28 * 1024, "it is too large")
    data = json.loads(body)
    check(data["type"] == "message" and len(data["attachments"]) == 1, "not a message")
    attachment = data["attachments"][0]
    check(attachment["contentType"] == "application/vnd.microsoft.card.adaptive", "not a card")
    card = attachment["content"]
    jsonschema.Draft6Validator(schema).validate(card)
    seen = []
    for block in card["body"]:
        check(block["type"] == "RichTextBlock", "a block where Markdown is read")
        for run in block["inlines"]:
            check(run["type"] == "TextRun" and "selectAction" not in run, "it does something")
        seen.append("".join(run["text"] for run in block["inlines"]))
    return {"id": id_in(seen[-1]), "seen": seen}


def ntfy(headers, body):
    check(len(body) <= 2 * 4096, "more JSON than the server reads")
    data = json.loads(body)
    known = {"topic", "message", "title", "tags", "priority", "sequence_id"}
    check(set(data) <= known, "it does something")
    check(re.fullmatch("[-_A-Za-z0-9]{1,64}", data["topic"]), "not a topic")
    check(data["topic"] == options.topic, "another topic")
    check(data["priority"] in (1, 2, 3, 4, 5), "not a priority")
    check(re.fullmatch("[-_A-Za-z0-9]{1,64}", data["sequence_id"]), "not a sequence id")
    check(len(data["message"].encode()) <= 4096, "the server would make a file of it")
    check(all(isinstance(tag, str) and "," not in tag for tag in data["tags"]), "not tags")
    check(not re.search("[\x00-\x09\x0b-\x1f\x7f]", data["message"]), "control characters")
    seen = data["message"].split("\n")
    digest = hashlib.sha256(id_in(seen[-1]).encode()).digest()
    sequence = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    check(data["sequence_id"] == sequence, "the sequence id is another's")
    return {"id": id_in(seen[-1]), "seen": seen}


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        with lock:
            answer = answers.pop(0) if answers else None
        if answer:
            status, _, wish = answer.partition(":")
            self.answer(int(status), wish)
            self.tell({"answered": int(status)})
            return
        try:
            check(self.path == options.path, f"another path: {self.path}")
            check(self.headers["content-type"] == "application/json", "not JSON")
            check(self.headers["authorization"] == options.authorization, "another login")
            told = globals()[options.format](dict(self.headers), body)
        except Exception as error:
            self.tell({"wrong": f"{type(error).__name__}: {error}"[:2000]})
            self.answer(400)
            return
        self.tell({**told, "body": json.loads(body)})
        self.answer(204)

    def tell(self, told):
        with lock:
            print(json.dumps(told), flush=True)

    def answer(self, status, wish=None):
        self.send_response(status)
        if wish:
            self.send_header("retry-after", wish)
        if 300 <= status < 400:
            self.send_header("location", "/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", options.port), Receiver)
if options.certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
