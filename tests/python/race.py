"""Everything at once, over real sockets: calls for one result, its cancellation, and signed
decisions, all let go at the same moment.

Prints one JSON object: the status of each.
"""

import argparse
import json
import sys
import threading

import requests

from client import Service, load_private


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--agent", required=True)
    arguments.add_argument("--cacert")
    arguments.add_argument("--key", required=True)
    arguments.add_argument("--id", required=True)
    arguments.add_argument("--results", type=int, default=0, help="so many calls for the result")
    arguments.add_argument("--cancels", type=int, default=0, help="so many calls that give it up")
    arguments.add_argument("--signed", action="append", default=[], metavar="FILE")
    options = arguments.parse_args()
    private = load_private(options.key)
    calls = []
    for what, count in (("result", options.results), ("cancel", options.cancels)):
        for _ in range(count):
            service = Service(options.agent, private, options.cacert)
            body = {"agent": service.about["thumbprint"], "id": options.id}
            request = service.prepare(body, path=f"/v1/access/{what}")
            calls.append((what, service, request))
    for name in options.signed:
        # A connection of its own that is open already.
        service = Service(options.agent, private, options.cacert)
        request = requests.Request(
            "POST", f"{service.agent}/v1/approval", data=open(name, "rb").read()
        ).prepare()
        calls.append(("approval", service, request))
    start = threading.Barrier(len(calls) + 1)
    outcomes = [None] * len(calls)

    def run(number):
        what, service, request = calls[number]
        start.wait()
        response = service.session.send(request, timeout=60)
        answer = response.json() if what == "approval" else service.check(response)
        outcomes[number] = {"what": what, "status": response.status_code, "answer": answer}

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    # Whoever started this knows that all is ready, and says when.
    print("ready", flush=True)
    sys.stdin.readline()
    start.wait()
    for thread in threads:
        thread.join()
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    main()
