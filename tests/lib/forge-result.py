#!/usr/bin/python3
"""Changes what an ActionResult of a remote cache says, as somebody does who has the key of a signer.

	forge-result.py FILE SIGN HOW

FILE is replaced. SIGN is a command that writes the signature of the file that is its last argument to FILE.sig.
HOW is

	bomb       the pack goes on with 1 GB of zeros after its last file
	terabyte   the first file of the pack is said to be 1 TB
	unsigned   the signature is left out
	other      the pack has one other byte, and the signed text has the digest of the real one
"""
import hashlib
import re
import shlex
import subprocess
import sys


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def number(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def fields(data):
    """The fields of a message of protocol buffers: numbers and bytes or integers."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            value, at = data[at:at + value], at + value
        yield tag >> 3, value


def message(*pairs):
    out = b""
    for tag, value in pairs:
        if isinstance(value, bytes):
            out += number(tag << 3 | 2) + number(len(value)) + value
        else:
            out += number(tag << 3) + number(value)
    return out


path, sign, how = sys.argv[1:]
with open(path, "rb") as f:
    top = list(fields(f.read()))
files = {dict(fields(value))[1]: dict(fields(value))[5] for tag, value in top if tag == 2}
signed = dict(top)[5]
text = re.sub(rb"^.*\n.*\n", b"", signed, count=1).decode()
pack = files[b"pack"]
if how == "bomb":
    plain = subprocess.run(["zstd", "-dc"], input=pack, stdout=subprocess.PIPE, check=True).stdout
    pack = subprocess.run(["zstd", "-3c"], input=plain + bytes(1 << 30), stdout=subprocess.PIPE, check=True).stdout
elif how == "other":
    pack = pack[:-1] + bytes([pack[-1] ^ 1])
elif how == "terabyte":
    text = re.sub(r"(\npack .*\nfile [0-9a-f]+) \d+", rf"\1 {10**12}", text)
digest = hashlib.sha256(pack).hexdigest()
if how == "bomb":
    text = re.sub(r"\npack [0-9a-f]+ \d+", f"\npack {digest} {len(pack)}", text)
with open(path + ".text", "w") as f:
    f.write(text)
subprocess.run(shlex.split(sign) + [path + ".text"], check=True, stdout=subprocess.DEVNULL)
with open(path + ".text.sig", "rb") as f:
    signature = b"" if how == "unsigned" else f.read()
result = [(2, message((1, name), (2, message((1, hashlib.sha256(body).hexdigest().encode()), (2, len(body)))),
                      (5, body))) for name, body in ((b"record", files[b"record"]), (b"pack", pack))]
with open(path, "wb") as f:
    f.write(message(*result, (5, signature + text.encode())))
