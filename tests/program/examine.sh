#!/bin/bash
# The process of dkms that looks at module files has given up everything when it reads them: another
# process may not disturb it, and it may not disturb another one.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

machine
kernel $K
module=$installtree/$K/kernel/fs/ext9.ko
chmod 0600 "$module"

# A process whose answer does not fit into its pipe stays. The pipe is filled by others.
mkfifo "$work/answer"
exec 3<> "$work/answer"
dd if=/dev/zero of="$work/answer" oflag=nonblock bs=4096 count=4096 2> /dev/null || true
DKMS=$(realpath "$DKMS")
ASAN_OPTIONS=detect_leaks=0 "$DKMS" --examine-modules check "$K" 1 "$module" >&3 3>&- 2> /dev/null &
pid=$!
status() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$pid/status"; }
for ((i = 0; i < 100; i++)); do
	[ "$(status Seccomp)" != 2 ] || break
	sleep 0.1
done
is "$(status NoNewPrivs)" 1 "it cannot get privileges"
is "$(status CapEff) $(status CapPrm)" "0000000000000000 0000000000000000" "it has no capabilities"
is "$(status Seccomp)" 2 "it is under a filter of system calls"
is "$(awk '/Max processes/ { print $3 }' "/proc/$pid/limits")" 0 "it can start no process"
is "$(awk '/Max core/ { print $5 }' "/proc/$pid/limits")" 0 "it leaves no core"
if [ "$real_user" -eq 0 ]; then
	user=$(status Uid)
	ok "its user is nobody else's ($user)" test "$user" -ge 1879048192
	is "$(readlink "/proc/$pid/root")" "/proc/$pid/fd" "it sees its own descriptors alone"
	for signal in 0 STOP KILL; do
		is "$(setpriv --reuid=65534 --regid=65534 --clear-groups bash -c "kill -$signal $pid" 2>&1 |
			sed 's/.* - //')" "Operation not permitted" "nobody may not send it SIG$signal"
	done
	for file in mem fd root environ; do
		ok "nobody may not look at its $file" eval \
			"! setpriv --reuid=65534 --regid=65534 --clear-groups ls -L /proc/$pid/$file/ 2> /dev/null &&
			! setpriv --reuid=65534 --regid=65534 --clear-groups head -c 1 /proc/$pid/$file 2> /dev/null"
	done
else
	skip "needs root" "its user is nobody else's"
fi
timeout 30 tr -d '\0' <&3 > "$work/said" &
reader=$!
wait $pid && code=0 || code=$?
is "$code" 0 "it ends as soon as it can answer"
exec 3>&-
kill $reader
finish
