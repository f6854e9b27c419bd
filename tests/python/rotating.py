"""A provider of API keys, and its owner's program that rotates them.

As a server (`rotating.py serve FILE`) it keeps its keys in a file: `POST /keys` makes one, `DELETE
/keys/KEY` revokes one, `GET /whoami` says whether the key in `Authorization` works. It ends when its
standard input does.

As a program (`rotating.py rotate URL [MODE]`) it is what `strongroom secret rotate --with` runs.
MODE makes it misbehave: see `MISBEHAVIOURS`.
"""

import http.server
import json
import os
import secrets
import signal
import sys
import threading
import time
import urllib.error
import urllib.request

PARENT = os.getppid()

MISBEHAVIOURS = {
    "refuses": "makes no new key and says so",
    "silent": "makes no new key and says that all is well",
    "hangs": "never ends",
    "chatters": "prints more than the new key",
    "fails-late": "prints the new key and then fails",
    "floods": "prints without end",
    "same": "prints the old key",
    "keeps": "does not revoke the old key",
    "killed": "kills itself before it has printed anything",
    "hangs-late": "prints the new key and never ends",
    "kills PID": "makes a new key, kills that process, and prints the key",
    "kills-after PID": "revokes the old key and kills that process",
    "fills FILE": "makes a new key, fills the disk with that file, and prints the key",
}


def hang():
    """For as long as whoever started it lives, and never for more than a test is patient."""
    begun = time.monotonic()
    while os.getppid() == PARENT and time.monotonic() < begun + 60:
        time.sleep(0.05)
    sys.exit("nobody waits for this any more")


def fill(path):
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass


def serve(path):
    lock = threading.Lock()

    def change(make):
        with lock:
            with open(path) as file:
                keys = json.load(file)
            result = make(keys)
            with open(path + ".new", "w") as file:
                json.dump(keys, file)
            os.rename(path + ".new", path)
            return result

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def key(self):
            return self.headers.get("Authorization", "").removeprefix("Bearer ")

        def answer(self, status, body):
            body = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            works = change(lambda keys: keys.get(self.key()) == "works")
            self.answer(200 if works else 401, {"works": works})

        def do_POST(self):
            if not change(lambda keys: keys.get(self.key()) == "works"):
                return self.answer(401, {})
            new = "key-" + secrets.token_hex(12)
            change(lambda keys: keys.update({new: "works"}))
            self.answer(201, {"key": new})

        def do_DELETE(self):
            if not change(lambda keys: keys.get(self.key()) == "works"):
                return self.answer(401, {})
            gone = self.path.removeprefix("/keys/")
            change(lambda keys: keys.update({gone: "revoked"}))
            self.answer(200, {})

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


def call(url, method, path, key):
    request = urllib.request.Request(
        url + path, method=method, headers={"Authorization": "Bearer " + key}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request) as answer:
        return json.load(answer)


def rotate(url, mode, *more):
    assert not any("key-" in text for text in sys.argv + list(os.environ.values()))
    told = json.loads(sys.stdin.readline())
    assert sys.stdin.read() == ""
    old = told["old"]["value"]
    if told["phase"] == "create":
        if mode == "refuses":
            sys.exit("the provider said no")
        if mode == "silent":
            return
        if mode == "hangs":
            hang()
        if mode == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if mode == "same":
            return print(old)
        new = call(url, "POST", "/keys", old)["key"]
        if mode == "chatters":
            print("a new key was made:")
        if mode == "kills":
            os.kill(int(more[0]), signal.SIGKILL)
        if mode == "fills":
            fill(more[0])
        if mode == "floods":
            while True:
                print(new)
        print(new, flush=True)
        if mode == "fails-late":
            sys.exit(7)
        if mode == "hangs-late":
            hang()
    else:
        assert told["phase"] == "revoke"
        new = told["new"]["value"]
        # The new one is tried first: it may be the only one left.
        call(url, "GET", "/whoami", new)
        if mode == "keeps":
            sys.exit("the provider is out for lunch")
        call(url, "DELETE", "/keys/" + old, new)
        if mode == "kills-after":
            os.kill(int(more[0]), signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        rotate(sys.argv[2], *(sys.argv[3:] or [""]))
