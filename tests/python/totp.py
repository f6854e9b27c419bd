"""Prints the code that PyOTP computes from a seed on standard input, an `otpauth` URI or base32,
for the period that ends at the time in the first argument (RFC 3339)."""

import datetime
import sys

import pyotp

seed = sys.stdin.read().strip()
totp = pyotp.parse_uri(seed) if seed.startswith("otpauth:") else pyotp.TOTP(seed)
end = datetime.datetime.fromisoformat(sys.argv[1].replace("Z", "+00:00"))
assert end.timestamp() % totp.interval == 0, "the end of a period"
print(totp.at(int(end.timestamp()) - 1))
