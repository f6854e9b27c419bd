"""Checks a JSON Web Token with two libraries that have nothing of ours: PyJWT and jwcrypto.

Prints its header and its claims as one JSON object; exit code 0 only if both take it.
"""

import argparse
import json
import sys

import jwt
from jwcrypto import jwk
from jwcrypto import jwt as other


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--key", required=True, help="the public key, PEM")
    arguments.add_argument("--algorithm", required=True)
    arguments.add_argument("--audience")
    arguments.add_argument("--issuer", required=True)
    options = arguments.parse_args()
    token = sys.stdin.read()
    pem = open(options.key, "rb").read()

    required = ["iss", "exp", "iat", "nbf", "jti"] + (["aud"] if options.audience else [])
    claims = jwt.decode(
        token,
        pem,
        algorithms=[options.algorithm],
        audience=options.audience,
        issuer=options.issuer,
        options={"require": required},
    )
    key = jwk.JWK.from_pem(pem)
    again = other.JWT(jwt=token, key=key, algs=[options.algorithm], expected_type="JWS")
    assert json.loads(again.claims) == claims
    header = jwt.get_unverified_header(token)
    assert json.loads(again.header) == header

    # A signature over anything else is none.
    head, _, signature = token.split(".")
    forged = jwt.utils.base64url_encode(json.dumps({**claims, "sub": "root"}).encode()).decode()
    try:
        jwt.decode(f"{head}.{forged}.{signature}", pem, algorithms=[options.algorithm], options={"verify_aud": False})
        sys.exit("a forged token was taken")
    except jwt.InvalidSignatureError:
        pass
    json.dump({"header": header, "claims": claims, "thumbprint": key.thumbprint()}, sys.stdout)


if __name__ == "__main__":
    main()
