# Asks the compilers each question of a memo again, in another directory and with another name for the output, and
# prints the questions whose answer differs. The last line is the number of questions.
#
#	replay-probes.py MEMO DIRECTORY
import os
import struct
import subprocess
import sys

memo = open(sys.argv[1], "rb").read()
assert memo[:8] == b"dkmsprb2", "not a memo"
os.chdir(sys.argv[2])
at, n = 8, 0
while at < len(memo):
    size, question, out, err, file = struct.unpack_from("=5I", memo, at)
    end = at + size
    parts, at = [], at + 20
    for length in question, out, err, 0 if file == 0xFFFFFFFF else file:
        parts.append(memo[at:at + length])
        at += length
    assert at == end, "a record has another size than its parts"
    argv, rest = parts[0].split(b"\0\0", 1)
    argv = argv.split(b"\0")
    environment, _, stdin = rest.partition(b"\0\0") if b"\0\0" in rest else (rest.rstrip(b"\0"), b"", b"")
    env = dict(line.split(b"=", 1) for line in environment.split(b"\0") if line)
    env[b"PATH"] = env[b"PATH"].rstrip(b":")
    argv = [b"made" if word == b"*" else word for word in argv]
    answer = subprocess.run(argv, input=stdin, env=env, capture_output=True)
    got = [answer.returncode, answer.stdout, answer.stderr, None]
    if os.path.exists("made"):
        got[3] = open("made", "rb").read()
        os.unlink("made")
    if got != [0, parts[1], parts[2], None if file == 0xFFFFFFFF else parts[3]]:
        print("another answer:", argv, got[:3], [0, parts[1], parts[2]])
    n += 1
print(n)
