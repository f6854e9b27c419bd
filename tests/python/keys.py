"""Keys and ciphertexts made, and read, by the public `cryptography` package.

`jwk KIND PUBLIC_PEM`   prints a fresh private key as a JWK, and writes its public half as PEM
`public-jwk KEY`        prints the public half of a private key (PEM or OpenSSH) as a JWK
`from-jwk`              reads a public JWK on standard input and prints it as PEM
`encrypt KEY_HEX`       reads {"plaintext", "aad"} and prints the agent's form of the ciphertext
`decrypt KEY_HEX`       the way back
"""

import base64
import json
import os
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client import b64url, load_private

CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}


def number(value: int, length=None) -> str:
    return b64url(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def from_b64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def generate(kind: str):
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key({"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}[kind])


def public_jwk(key) -> dict:
    if isinstance(key, ed25519.Ed25519PublicKey):
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": b64url(raw)}
    numbers = key.public_numbers()
    if isinstance(key, rsa.RSAPublicKey):
        return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    length = (key.key_size + 7) // 8
    name = {256: "P-256", 384: "P-384"}[key.key_size]
    return {"kty": "EC", "crv": name, "x": number(numbers.x, length), "y": number(numbers.y, length)}


def private_jwk(key) -> dict:
    jwk = public_jwk(key.public_key())
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return jwk | {"d": b64url(key.private_bytes_raw())}
    numbers = key.private_numbers()
    if isinstance(key, rsa.RSAPrivateKey):
        members = {"d": numbers.d, "p": numbers.p, "q": numbers.q}
        members |= {"dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp}
        return jwk | {name: number(value) for name, value in members.items()}
    return jwk | {"d": number(numbers.private_value, (key.key_size + 7) // 8)}


def read_jwk(jwk: dict):
    if jwk["kty"] == "OKP":
        return ed25519.Ed25519PublicKey.from_public_bytes(from_b64url(jwk["x"]))
    if jwk["kty"] == "RSA":
        n, e = (int.from_bytes(from_b64url(jwk[name]), "big") for name in "ne")
        return rsa.RSAPublicNumbers(e, n).public_key()
    x, y = (int.from_bytes(from_b64url(jwk[name]), "big") for name in "xy")
    return ec.EllipticCurvePublicNumbers(x, y, CURVES[jwk["crv"]]).public_key()


def pem(public) -> bytes:
    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def main(what, *arguments):
    if what == "jwk":
        key = generate(arguments[0])
        with open(arguments[1], "wb") as file:
            file.write(pem(key.public_key()))
        json.dump(private_jwk(key), sys.stdout)
    elif what == "public-jwk":
        json.dump(public_jwk(load_private(arguments[0]).public_key()), sys.stdout)
    elif what == "from-jwk":
        sys.stdout.write(pem(read_jwk(json.load(sys.stdin))).decode())
    elif what in ("encrypt", "decrypt"):
        cipher = AESGCM(bytes.fromhex(arguments[0]))
        given = {k: base64.b64decode(v) for k, v in json.load(sys.stdin).items() if k != "version"}
        aad = given.get("aad")
        if what == "encrypt":
            iv = os.urandom(12)
            both = cipher.encrypt(iv, given["plaintext"], aad)
            answer = {"ciphertext": both[:-16], "iv": iv, "tag": both[-16:]}
            answer |= {"aad": aad} if aad is not None else {}
        else:
            both = given["ciphertext"] + given["tag"]
            answer = {"plaintext": cipher.decrypt(given["iv"], both, aad)}
        json.dump({k: base64.b64encode(v).decode() for k, v in answer.items()}, sys.stdout)
    else:
        sys.exit(f"{what}?")


if __name__ == "__main__":
    main(*sys.argv[1:])
