"""Who issues tokens: an OAuth 2 authorization server (Authlib), and what GitHub and Google document.

Prints its port on the first line, and then one JSON line for each thing that it was asked. Ends
when its standard input does.

    /oauth/token        RFC 6749: client credentials, and refresh tokens that are good once. One
                        that is used a second time ends the whole grant, as RFC 9700 advises
    /api/…              what an access token is good for: 200 with its scope, else 401
    /app/installations/N/access_tokens    GitHub
    /gcp/token          Google
    /odd/KIND           what no token endpoint should answer
    /control/hold       the next answer of /oauth/token waits for /control/open, though what was
                        asked is done
    /control/revoke     every access token ends, and no refresh token does
"""

import argparse
import datetime
import json
import os
import secrets
import sys
import threading
import time

import jwt
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin
from authlib.oauth2.rfc6749 import grants
from flask import Flask, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

lock = threading.RLock()
app = Flask(__name__)
hold = {"next": False, "open": threading.Event()}
issued = []


def say(**line):
    with lock:
        print(json.dumps(line), flush=True)


# OAuth 2


class Client(ClientMixin):
    def __init__(self, client_id, secret, method, grant, scope):
        self.client_id, self.secret, self.method = client_id, secret, method
        self.grant, self.scope = grant, scope

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return None

    def get_allowed_scope(self, scope):
        allowed = set(self.scope.split())
        return " ".join(s for s in (scope or self.scope).split() if s in allowed)

    def check_client_secret(self, secret):
        return secrets.compare_digest(self.secret, secret)

    def check_endpoint_auth_method(self, method, endpoint):
        return method == self.method

    def check_grant_type(self, grant):
        return grant == self.grant


CLIENTS = {
    client.client_id: client
    for client in [
        # What has to be encoded before it stands in HTTP Basic.
        Client("crm: app", "planted secret:%+&/=é".encode("ascii", "ignore").decode(), "client_secret_basic",
               "client_credentials", "read write"),
        Client("posted", "planted-posted-secret", "client_secret_post", "client_credentials", "read write"),
        Client("refreshed", "planted-refresh-secret", "client_secret_basic", "refresh_token", "read write"),
    ]
}


class Token(TokenMixin):
    def __init__(self, client, data, family):
        self.client, self.family = client, family
        self.access, self.refresh = data["access_token"], data.get("refresh_token")
        self.scope, self.lifetime = data.get("scope", ""), data["expires_in"]
        self.issued = time.time()
        self.spent = self.revoked = False

    def check_client(self, client):
        return self.client is client

    def get_scope(self):
        return self.scope

    def get_expires_in(self):
        return self.lifetime

    def is_expired(self):
        return time.time() > self.issued + self.lifetime

    def is_revoked(self):
        return self.revoked

    def get_user(self):
        return None

    def get_client(self):
        return self.client


def save_token(data, asked):
    family = getattr(asked, "refresh_token", None)
    family = family.family if family else secrets.token_hex(4)
    issued.append(Token(asked.client, data, family))


class Refresh(grants.RefreshTokenGrant):
    INCLUDE_NEW_REFRESH_TOKEN = True
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]

    def authenticate_refresh_token(self, refresh_token):
        for token in issued:
            if token.refresh != refresh_token:
                continue
            if token.spent:
                say(reused=True)
                for other in issued:
                    if other.family == token.family:
                        other.spent = other.revoked = True
                return None
            return None if token.revoked else token
        return None

    def authenticate_user(self, credential):
        return "owner"

    def revoke_old_credential(self, credential):
        credential.spent = True


class Credentials(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]


server = AuthorizationServer()
app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"client_credentials": 1800, "refresh_token": 900}
app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
server.init_app(app, query_client=CLIENTS.get, save_token=save_token)
server.register_grant(Credentials)
server.register_grant(Refresh)


@app.post("/oauth/token")
@app.post("/oauth/token/")
def oauth_token():
    form = {name: value for name, value in request.form.items() if "secret" not in name}
    with lock:
        response = server.create_token_response()
        held, hold["next"] = hold["next"], False
    say(
        endpoint="oauth",
        path=request.path,
        grant=form.get("grant_type"),
        scope=form.get("scope"),
        resource=form.get("resource"),
        basic="Authorization" in request.headers,
        status=response.status_code,
        parameters=sorted(form),
    )
    if held:
        hold["open"].wait()
    return response


@app.route("/api/<path:path>", methods=["GET", "POST"])
def api(path):
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    for token in issued:
        if scheme == "Bearer" and token.access == credential and not (token.revoked or token.is_expired()):
            say(api=path, status=200)
            return jsonify(scope=token.scope, echo=request.headers["Authorization"])
    say(api=path, status=401)
    return jsonify(error="invalid_token"), 401


# GitHub: "Generating a JSON Web Token (JWT) for a GitHub App", and the REST API's page on
# "Create an installation access token for an app".


@app.post("/app/installations/<int:installation>/access_tokens")
def github(installation):
    scheme, _, assertion = request.headers.get("Authorization", "").partition(" ")
    try:
        assert scheme == "Bearer"
        claims = jwt.decode(assertion, options.github_key, algorithms=["RS256"], issuer="Iv1.app",
                            options={"require": ["iat", "exp", "iss"]})
        assert claims["exp"] - time.time() <= 600, "'Expiration time' claim ('exp') is too far in the future"
        assert claims["iat"] <= time.time() - 30, "the clock drift is not allowed for"
        assert set(claims) == {"iss", "iat", "exp"}
        assert request.headers["Accept"] == "application/vnd.github+json"
        assert request.headers["X-GitHub-Api-Version"] == "2022-11-28"
        assert request.headers["User-Agent"], "GitHub refuses requests without one"
    except (AssertionError, KeyError, jwt.InvalidTokenError) as error:
        say(endpoint="github", refused=repr(error))
        return jsonify(message="A JSON web token could not be decoded", status="401"), 401
    if installation not in (42, 43):
        return jsonify(message="Not Found", status="404"), 404
    body = request.get_json()
    assert set(body) <= {"repositories", "permissions"}, body
    say(endpoint="github", installation=installation, body=body)
    expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    answer = {
        "token": "ghs_" + secrets.token_hex(18),
        "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "permissions": {"metadata": "read", **body.get("permissions", {"contents": "write"})},
        "repository_selection": "selected" if "repositories" in body else "all",
    }
    if "repositories" in body:
        names = body["repositories"] + (["stray"] if installation == 43 else [])
        answer["repositories"] = [{"id": 1, "name": name, "full_name": f"acme/{name}"} for name in names]
    return jsonify(answer), 201


# Google: "Using OAuth 2.0 for Server to Server Applications", and the page on ID tokens.


@app.post("/gcp/token")
def gcp():
    try:
        assert request.form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        assert set(request.form) == {"grant_type", "assertion"}
        assertion = request.form["assertion"]
        header = jwt.get_unverified_header(assertion)
        assert header == {"alg": "RS256", "typ": "JWT", "kid": "0123456789abcdef"}, header
        claims = jwt.decode(assertion, options.gcp_key, algorithms=["RS256"], issuer="robot@acme.iam.example",
                            audience=f"https://127.0.0.1:{port}/gcp/token",
                            options={"require": ["iat", "exp", "iss", "aud"]})
        assert claims["exp"] - claims["iat"] <= 3600
        assert len({"scope", "target_audience"} & set(claims)) == 1
    except (AssertionError, KeyError, jwt.InvalidTokenError) as error:
        say(endpoint="gcp", refused=repr(error))
        return jsonify(error="invalid_grant", error_description="Invalid JWT Signature."), 400
    say(endpoint="gcp", scope=claims.get("scope"), audience=claims.get("target_audience"))
    if "target_audience" in claims:
        claims = {"aud": claims["target_audience"], "exp": int(time.time()) + 3600, "iss": "https://accounts.google.com"}
        return jsonify(id_token=jwt.encode(claims, secrets.token_hex(32), algorithm="HS256"))
    return jsonify(access_token="ya29." + secrets.token_hex(24), expires_in=3599, token_type="Bearer")


# What goes wrong.


@app.post("/odd/<kind>")
def odd(kind):
    good = {"access_token": "planted-odd-token", "token_type": "Bearer", "expires_in": 60}
    answers = {
        "html": ("<html>planted-odd-token</html>", 200),
        "error": ({"error": "invalid_grant", "error_description": "planted-odd-token"}, 400),
        "invented": ({"error": "planted-odd-token"}, 400),
        "long": ({**good, "expires_in": 86401}, 200),
        "timeless": ({"access_token": "planted-odd-token", "token_type": "Bearer"}, 200),
        "more": ({**good, "scope": "read admin"}, 200),
        "mac": ({**good, "token_type": "mac"}, 200),
        "large": ({**good, "access_token": "x" * 70000}, 200),
        "redirect": ("", 307),
    }
    body, status = answers[kind]
    headers = {"Location": "/oauth/token"} if kind == "redirect" else {}
    return (jsonify(body) if isinstance(body, dict) else body), status, headers


@app.post("/control/<what>")
def control(what):
    if what == "hold":
        hold["open"].clear()
        hold["next"] = True
    elif what == "open":
        hold["open"].set()
    elif what == "revoke":
        for token in issued:
            token.lifetime = -1
    return ""


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_):
        pass


arguments = argparse.ArgumentParser()
arguments.add_argument("--cert", required=True)
arguments.add_argument("--key", required=True)
arguments.add_argument("--github-key", type=lambda path: open(path).read())
arguments.add_argument("--gcp-key", type=lambda path: open(path).read())
options = arguments.parse_args()

# The grant that an owner gave once, in a browser.
issued.append(Token(CLIENTS["refreshed"],
                    {"access_token": secrets.token_hex(16), "refresh_token": "planted-refresh-token-1",
                     "scope": "read write", "expires_in": 0}, "family"))

listening = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=(options.cert, options.key),
                        request_handler=Quiet)
port = listening.server_port
print(port, flush=True)
threading.Thread(target=listening.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
