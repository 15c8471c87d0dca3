#!/bin/bash
# Requests to servers of objects, without any modules: what comes is what was put, and what fails ends
# soon, as one line, whatever a server does. tests/lib/transport-tool makes the requests.
set -eu
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"
transfer_tool=${top_builddir:?}/tests/lib/transport-tool
# shellcheck source=tests/lib/servers.sh
. "$top_srcdir/tests/lib/servers.sh"

fault_server
silence=600

# Makes requests; sets $result to how they ended, without the address of the server, and $ms to the time.
requests() # FAULT[,FAULT]... [OPTION=VALUE]... REQUEST...
{
	local urls=() fault

	for fault in ${1//,/ }; do
		case $fault in http*) urls+=("url=$fault") ;; *) urls+=("url=$server/$fault") ;; esac
	done
	shift
	transfer "${urls[@]}" silence=$silence "$@"
}

a=ac/$(printf '%063d' 0)1
b=ac/$(printf '%063d' 0)2
c=cas/$(printf 'c%.0s' {1..64})
seq 20000 > "$work/object"
echo other > "$work/other"
size=$(stat -c %s "$work/object")

requests ok put "$a" "$work/object" put "$b" "$work/other" put "$c" "$work/object"
is "$result" "found $size ok
found 6 ok
found $size ok" "objects are put"
mkdir "$work/into"
requests ok into="$work/into" get "$a" get "$b" get "$c" get "${c%c}0"
is "$result" "found $size ok
found 6 ok
found $size ok
missing 0" "and got, but for one that was never put"
ok "with the same bytes" cmp "$work/object" "$work/into/${a#*/}"
: > "$work/empty"
requests ok put "$c" "$work/empty" wait get "$c"
is "$result" "found 0 ok
found 0 ok" "an empty object"

# Rows that concern one object.
requests cut=5000 get "$a" get "$b"
like "$result" "^failed 0 cut=5000: .*[0-9]" "an object that is cut short has failed"
requests reset get "$a"
like "$result" "^failed 0 reset: Empty reply from server$" "a connection that is closed"
requests garbage get "$a"
like "$result" "^failed 0 garbage: " "what is not HTTP"
requests endless max=100000 get "$a"
like "$result" "^failed 0 endless: the object is larger than it may be$" "an object that does not end"
ok "is given up soon" test "$ms" -lt 500
requests huge max=100000 get "$a"
like "$result" "^failed 0 huge: the object is larger than it may be$" "an object that says to be 1 TB"
requests ok max=$((size - 1)) get "$a" get "$b"
is "$result" "failed 0 ok: the object is larger than it may be
found 6 ok" "an object of one byte too many has failed, others come"
requests ok max="$size" get "$a"
is "$result" "found $size ok" "one of that size has not"
requests drip=100 deadline=500 get "$a"
is "$result" "failed 0: it took too long" "an object that comes slowly has failed at its time"
ok "and not later" test "$ms" -lt 1000
requests get-status=500 get "$a" put "$b" "$work/other"
is "$result" "failed 0 get-status=500: it answers with HTTP status 500
found 6 get-status=500" "500 to GET concerns that object"
for target in _ok ftp:__127.0.0.1:1 "file:__${work//\//_}" "http:__127.0.0.1:${server##*:}_ok"; do
	: > "$work/log"
	requests "redirect=$target" get "$a" put "$c" "$work/object"
	is "$result" "failed 0 redirect=$target: it answers with HTTP status 307, which names another address
failed 0 redirect=$target: it answers with HTTP status 307, which names another address" "a redirect to $target"
	is "$(grep -vc redirect= "$work/log" || true)" 0 "leads nowhere"
done

# Requests that are signed for S3.
printf KEY:SECRET > "$work/password"
printf KEY:OTHER > "$work/wrong"
requests sigv4 sigv4=aws:amz:eu-central-1:s3 password="$work/password" put "$c" "$work/object" wait get "$c" get "${c%c}0"
is "$result" "found $size sigv4
found $size sigv4
missing 0" "requests with the signatures of S3"
requests sigv4 sigv4=aws:amz:eu-central-1:s3 password="$work/wrong" get "$c" wait put "$c" "$work/object"
is "$result" "failed 0 sigv4: it refuses access (HTTP status 403)
failed 0 sigv4: it refuses uploads (HTTP status 403)
warning: sigv4: it refuses access (HTTP status 403); it is not read from in this run
warning: sigv4: it refuses uploads (HTTP status 403); nothing more is uploaded in this run" "with another secret"
requests sigv4 get "$c"
like "$result" "^failed 0 sigv4: it refuses access" "and without"

# Rows that concern the bytes: a matter of those who verify them.
rm -rf "$work/into" && mkdir "$work/into"
requests flip=100 into="$work/into" get "$a"
is "$result $(cmp -l "$work/object" "$work/into/${a#*/}" | wc -l)" "found $size flip=100 1" "a bit that has changed is not seen here"
requests swap into="$work/into" get "$a"
is "$result $(cat "$work/into/${a#*/}")" "found 6 swap other" "neither is an object in the place of another one"

# Rows that concern all other objects, too.
for status in 401 403 407 429 400; do
	requests get-status=$status get "$a" wait get "$b" get "$c" put "$b" "$work/other"
	like "$result" "^failed 0 get-status=$status: it .*$status.*
off 0
off 0
found 6 get-status=$status
warning: get-status=$status: it .*$status.*; it is not read from in this run$" "$status ends GETs"
done
for status in 401 403 404 405 409 429 500 503 507; do
	requests put-status=$status put "$a" "$work/object" wait put "$b" "$work/other" get "$b"
	like "$result" "^failed 0 put-status=$status: it .*$status.*
off 0
found 6 put-status=$status
warning: put-status=$status: it .*$status.*; nothing more is uploaded in this run$" "$status ends PUTs"
done
requests put-status=413 put "$a" "$work/object" wait put "$b" "$work/other"
is "$result" "failed 0 put-status=413: it answers with HTTP status 413
failed 0 put-status=413: it answers with HTTP status 413" "413 does not"
: > "$work/log"
requests status=500 times=30 get "$a"
is "$result" "warning: status=500: it answers with HTTP status 500; it is not read from in this run
0 of 30 found, 0 bytes" "a server that fails all the time is not asked all the time"

# Servers that say nothing.
for fault in delay=5000 stall=0 stall=100; do
	requests $fault get "$a" get "$b" wait get "$c" put "$c" "$work/object"
	is "$result" "failed 0 $fault: nothing comes any more
off 0
off 0
off 0
warning: $fault: nothing comes any more; it is not used any more in this run" "$fault: the server is given up"
	ok "after that time" test "$ms" -ge $silence -a "$ms" -lt $((silence + 1300))
done
requests delay=300 get "$a"
is "$result" "found $size delay=300" "one that takes a moment is not"
requests delay=1500,ok deadline=200 get "$a"
is "$result" "failed 0: it took too long" "a deadline is earlier than that"

deaf_server
dead="$deaf https://127.0.0.1:1/x http://no.such.name.invalid"
for url in $dead; do
	requests "$url" get "$a" get "$b" wait get "$c" put "$c" "$work/object"
	like "$result" "^failed 0 $url: .*
off 0
off 0
off 0
warning: $url: .*; it is not used any more in this run$" "$url: nobody is there"
	ok "which takes a second at most" test "$ms" -lt 1800
done
requests "$deaf" times=300 get "$a"
like "$result" "^warning: .*
0 of 300 found, 0 bytes$" "300 requests to a server that does not answer"
ok "take no longer than one" test "$ms" -lt 1800

# Several servers.
requests "$deaf,status=404,ok,reset" get "$a" get "${a%1}9" put "$a" "$work/object"
like "$result" "^found $size ok
missing 0
(failed 0 $deaf: .*|off 0)
warning: $deaf: .*; it is not used any more in this run$" "servers are asked in their order"
requests "status=404,status=500" get "$a"
is "$result" "failed 0 status=500: it answers with HTTP status 500" "a failure is more than a miss"
requests "cut=10,ok" into="$work/into" get "$a"
is "$result" "found $size ok" "what one server has cut short another one has"
ok "from its beginning" cmp "$work/object" "$work/into/${a#*/}"

# The program that talks to servers.
requests delay=400 get "$a" get "$b" kill wait get "$c"
is "$result" "failed 0: the program for transfers has ended
failed 0: the program for transfers has ended
off 0
warning: the program for transfers has ended; no server is used any more" "without its program, all requests end"
transfer url=ftp://127.0.0.1/x get "$a"
like "$result" "^error: ftp://127.0.0.1/x is not the address of a server" "an address of another protocol"
transfer url=http://user:secret@127.0.0.1/x get "$a"
like "$result" "^error: .* is not the address of a server.* no password" "a password in an address"
requests ok times=2000 get "$a"
is "$result" "2000 of 2000 found, $((2000 * size)) bytes" "2000 requests at once"

# A program that was taken over: whatever it says, requests end, and what comes is right or nothing.
hostile() # MODE
{
	sed "s/@MODE@/$1/" "$top_srcdir/tests/lib/hostile-transfer.py" > "$work/hostile.py"
	chmod 755 "$work/hostile.py"
}

nonsense="failed 0: the program for transfers talks nonsense
warning: the program for transfers talks nonsense; no server is used any more"
chmod 755 "$work"
transfer_program=$work/hostile.py
hostile right
transfer max=100 url=http://a.invalid get "$a"
is "$result" "found 5 http://a.invalid" "the right answer of another program"
for mode in unsealed "half sealed" "too large" "other size" pipe directory passwd "no file" "two files" \
	"many files" "file for a miss" "other server" "no server" "other request" "request 0" "other status" \
	"other type" "what dkms says" "control characters" short long filled "off for nothing"
do
	hostile "$mode"
	transfer max=100 url=http://a.invalid get "$a"
	is "$result" "$nonsense" "$mode: the program is given up"
done
hostile "no file"
transfer url=http://a.invalid put "$a" "$work/other"
is "$result" "found 6 http://a.invalid" "an answer to a PUT has no file"
hostile right
transfer url=http://a.invalid put "$a" "$work/other"
is "$result" "$nonsense" "or the program is given up"
hostile twice
transfer max=100 url=http://a.invalid get "$a" wait get "$b"
like "$result" "^found 5 http://a.invalid
(failed 0: the program for transfers talks nonsense|off 0)
warning: the program for transfers talks nonsense; no server is used any more$" "a second answer"
hostile "off twice"
transfer max=100 url=http://a.invalid get "$a"
is "$result" "failed 0: the program for transfers talks nonsense
warning: http://a.invalid: why; it is not read from in this run
warning: the program for transfers talks nonsense; no server is used any more" "a second warning"
for mode in end "ends at once"; do
	hostile "$mode"
	transfer max=100 url=http://a.invalid get "$a" get "$b"
	like "$result" "^failed 0: the program for transfers (has ended|does not listen)
failed 0: the program for transfers .*
warning: the program for transfers .*; no server is used any more$" "$mode: the program is gone"
done
for mode in silent deaf; do
	hostile $mode
	transfer max=100 url=http://a.invalid get "$a" get "$b"
	like "$result" "^failed 0: the program for transfers does nothing
failed .*
warning: .*" "$mode: the program does nothing"
	ok "which is noticed in time" test "$ms" -lt 8000
done
for mode in busy flood; do
	hostile $mode
	transfer max=100 deadline=700 url=http://a.invalid get "$a" get "$b"
	is "$result" "failed 0: it took too long
failed 0: it took too long" "$mode: a deadline holds whatever the program says"
	ok "at its time" test "$ms" -lt 2000
done
hostile moved
rm -rf "$work/into" && mkdir "$work/into"
transfer max=100 url=http://a.invalid into="$work/into" get "$a"
is "$(cat "$work/into/${a#*/}")" 12345 "the program cannot move where dkms reads"
transfer_program=$work/none
transfer url=http://a.invalid get "$a"
like "$result" "^error: cannot start .*none: No such file" "without the program"

# What the real one may do.
transfer_program=$(realpath "$top_builddir")/transfer/dkms-remote-transfer
transfer url="$deaf" filter=yes get "$a" status wait
result=$(sed -n 's/^\(Uid\|Gid\|Groups\|CapEff\|CapPrm\|CapBnd\|NoNewPrivs\|Seccomp\):[ \t]*//p' "$work/transfer.out" |
	tr '\t\n' '  ')
if [ "$(id -u)" -eq 0 ]; then
	like "$result" '^65519 65519 65519 65519 65519 65519 65519 65519  *0000000000000000 0000000000000000 [0-9a-f]+ 1 2 $' \
		"it is another user without groups and capabilities, and under a filter"
else
	like "$result" ' 1 2 $' "it can get no privileges, and is under a filter"
fi
exits 2 "nobody else can start it" "$transfer_program" 0
finish
