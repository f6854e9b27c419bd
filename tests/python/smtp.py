"""A mail server: `aiosmtpd`, with what arrives read by Python's own `email` and `html.parser`.

Prints its port, then one line of JSON for each message that it took. `--tls implicit|starttls|none`
with `--cert` and `--key`; `--user` and `--password` demand a login (the password may be anything
printable); `--refuse ADDRESS=CODE` refuses a recipient; `--refuse-messages N` refuses so many messages
at their end with 554; `--busy N` answers 451 to so many messages. Ends when standard input closes.
"""

import argparse
import asyncio
import email
import email.policy
import json
import logging
import os
import ssl
import sys
import threading
import warnings
from html.parser import HTMLParser

from aiosmtpd.smtp import SMTP, AuthResult

arguments = argparse.ArgumentParser()
arguments.add_argument("--port", type=int, default=0)
arguments.add_argument("--tls", choices=["implicit", "starttls", "none"], default="none")
arguments.add_argument("--cert")
arguments.add_argument("--key")
arguments.add_argument("--user")
arguments.add_argument("--password")
arguments.add_argument("--refuse", action="append", default=[])
arguments.add_argument("--refuse-messages", type=int, default=0)
arguments.add_argument("--busy", type=int, default=0)
options = arguments.parse_args()
refused = dict(refuse.split("=") for refuse in options.refuse)
connections = 0
# Clients that go away are what some tests are about.
logging.disable(logging.CRITICAL)
# The library does not know of TLS from the first byte.
warnings.simplefilter("ignore")


class Page(HTMLParser):
    """What a page is made of, and what a reader reads."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.text, self.rows = set(), set(), "", []
        self.in_cell = False

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attributes)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
            self.in_cell = True

    def handle_data(self, data):
        self.text += data
        if self.in_cell:
            self.rows[-1][-1] += data

    def handle_endtag(self, tag):
        if tag in ("th", "td"):
            self.in_cell = False


def part(message, kind):
    body = message.get_body(preferencelist=(kind,))
    return body.get_content() if body else None


def page(html):
    read = Page()
    read.feed(html)
    read.close()
    return {
        "tags": sorted(read.tags),
        "attributes": sorted(read.attributes),
        "text": read.text,
        "rows": read.rows,
    }


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address in refused:
            return f"{refused[address]} not this one <b>\x1b[31m"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if options.busy > 0:
            options.busy -= 1
            return "451 try later"
        if options.refuse_messages > 0:
            options.refuse_messages -= 1
            return "554 looks like spam"
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        html = part(message, "html")
        attached = message.iter_attachments() if message.is_multipart() else []
        print(json.dumps({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": [[name, str(value)] for name, value in message.items()],
            "defects": [
                str(defect)
                for found in (message, *message.walk(), *message.values())
                for defect in found.defects
            ],
            "longest": max(len(line) for line in envelope.content.split(b"\r\n")),
            "structure": [each.get_content_type() for each in message.walk()],
            "plain": part(message, "plain"),
            "html": html and page(html),
            "attachments": [
                {
                    "name": file.get_filename(),
                    "type": file.get_content_type(),
                    "text": file.get_payload(decode=True).decode(),
                }
                for file in attached
            ],
            "tls": session.ssl is not None or options.tls == "implicit",
            "user": session.auth_data,
            "connection": server.number,
        }), flush=True)
        return "250 taken"


def login(server, session, envelope, mechanism, data):
    right = (data.login.decode(), data.password.decode()) == (options.user, options.password)
    if right:
        return AuthResult(success=True, auth_data=data.login.decode())
    # A server that repeats what it was told.
    said = f"535 5.7.8 {data.password.decode()} is wrong"
    return AuthResult(success=False, handled=False, message=said)


def serve():
    global connections
    connections += 1
    server = SMTP(
        Handler(),
        hostname="mail.test",
        tls_context=context if options.tls == "starttls" else None,
        require_starttls=options.tls == "starttls",
        auth_required=options.user is not None,
        auth_require_tls=options.tls == "starttls",
        authenticator=login if options.user is not None else None,
        loop=asyncio.get_running_loop(),
    )
    server.number = connections
    return server


context = None
if options.cert:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.cert, options.key)


async def main():
    server = await asyncio.get_running_loop().create_server(
        serve, "127.0.0.1", options.port, ssl=context if options.tls == "implicit" else None
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def ends_with_the_test():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=ends_with_the_test, daemon=True).start()
asyncio.run(main())
