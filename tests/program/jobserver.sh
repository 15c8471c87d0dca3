#!/bin/bash
# The job slots with real makes, of this system and of make 4.4: how many targets run at the same
# time, with slots of dkms and with those of a make above, and that all tokens are returned.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
unset MAKEFLAGS MFLAGS MAKELEVEL

# Writes six targets that print when they start and end.
write_targets() # FILE
{
	printf '%s\n' 'all: 1 2 3 4 5 6' '1 2 3 4 5 6:' \
		"	@date '+span + %s%N'; sleep 0.1; date '+span - %s%N'" \
		'literal: ; make -f targets.mk' > "$1"
}

# Makes a module whose MAKE runs LINE and then builds the module.
parallel() # NAME LINE
{
	module "$1" 1.0 "MAKE=\"$2 && make -C \$kernel_source_dir M=\$dkms_tree/$1/1.0/build\""
	write_targets "$sourcetree/$1-1.0/targets.mk"
	dkms add "$1/1.0" > /dev/null
}

# Prints how many spans of time the files have, and how many of them overlap.
spans() # FILE...
{
	# At the same time an end counts before a start.
	cat "$@" | awk '$1 == "span" { print $3, ($2 == "+" ? 1 : -1) }' | sort -k1,1n -k2,2n |
		awk '{ n += $2; if ($2 > 0) total++; if (n > most) most = n } END { print total + 0, most + 0 }'
}

at_once() # SLOTS TOTAL DESCRIPTION FILE...
{
	local slots=$1 total=$2 description=$3 got

	shift 3
	got=$(spans "$@")
	is "${got% *}" "$total" "$description: each target is made"
	ok "$description: never more than $slots targets at the same time (${got#* })" test "${got#* }" -le "$slots"
	ok "$description: more than one target at the same time" test "${got#* }" -gt 1
}

logs() { echo "$dkmstree"/*/1.0/*/"$arch"/log/make.log; }
quiet() { is "$(cat "$@" | grep -iE 'jobserver|INTERNAL|forced in')" "" "no make complains"; }

# Several modules at the same time, with makes in shell command lines.
own_slots() # MAKE
{
	machine
	kernel $K
	kernel $K7
	parallel one '(make -f targets.mk; make -f targets.mk)'
	parallel two "true && 'make' -f targets.mk && make -f targets.mk"
	dkms_exits 0 "$1: four jobs in three slots" autoinstall -k $K -k $K7 -j 3
	# shellcheck disable=SC2046
	at_once 3 48 "$1" $(logs)
	# shellcheck disable=SC2046
	quiet $(logs)
	dkms_exits 0 "$1: -j 1" autoinstall -k $K -k $K7 -j 1 --force
	machine
	kernel $K
	parallel one 'make -f targets.mk'
	dkms_exits 0 "$1: one slot" install one/1.0 -k $K -j 1
	# shellcheck disable=SC2046
	is "$(spans $(logs))" "6 1" "$1: one target after the other"
	[[ $make_version != 4.[0-3]* ]] || return 0
	for sandbox in auto off; do
		machine
		kernel $K
		parallel one 'make -f targets.mk literal'
		dkms_exits 0 "$1: a makefile that calls make by its name" install one/1.0 -k $K -j 3 --sandbox=$sandbox
		# shellcheck disable=SC2046
		at_once 3 6 "$1, --sandbox=$sandbox" $(logs)
		# shellcheck disable=SC2046
		quiet $(logs)
	done
	is "$(find /tmp -maxdepth 1 -name 'dkms-??????')" "" "$1: no named pipe is left"
}

# A MAKE line with a number of jobs of its own stays within the slots.
own_numbers() # MAKE
{
	local line

	for line in '-j64' '-j 64' '-j' '--jobs=64' '-kj64' '-j\$(echo 64)' '-j64 -f targets.mk --'; do
		machine
		kernel $K
		parallel one "make -f targets.mk $line && make -j64 -f targets.mk"
		dkms_exits 0 "$1 $line" install one/1.0 -k $K -j 2
		# shellcheck disable=SC2046
		at_once 2 12 "$1 $line" $(logs)
		# shellcheck disable=SC2046
		quiet $(logs)
	done
	for line in 'MAKEFLAGS=-j64 make -f targets.mk' 'export MAKEFLAGS=-j64; make -f targets.mk' \
		"'make' -j64 -f targets.mk" 'if true; then make -C . -f targets.mk -j64; fi' \
		'make -f targets.mk -kj64' 'set -eu; make -f targets.mk -j' "env A=b 'make' -j64 -f targets.mk" \
		'nice -n 1 make -j 64 -f targets.mk' 'command make -j64 -f targets.mk' '`which make` -j64 -f targets.mk'; do
		machine
		kernel $K
		parallel one "$line"
		dkms_exits 0 "$1: $line" install one/1.0 -k $K -j 2
		# shellcheck disable=SC2046
		at_once 2 6 "$1: $line" $(logs)
	done
	machine
	kernel $K
	parallel one "make -j64 -f targets.mk no-such-target || echo it failed; make -f targets.mk -W j8 -j8 'B=a  b' -n | head -n 1"
	dkms_exits 0 "$1: other words" install one/1.0 -k $K -j 2
	# shellcheck disable=SC2046
	like "$(cat $(logs))" "^it failed$" "$1: the exit status of make is kept"
}

# Runs dkms below make -j4, whose own targets run at the same time. make counts its tokens when it
# ends.
below() # DESCRIPTION PREFIX WANTED OPTIONS
{
	write_targets "$work/targets.mk"
	printf '%s\n' 'everything: all dkms' "dkms: ; $2@\$(DKMS_LINE)" 'include targets.mk' > "$work/Makefile"
	export DKMS_LINE="$DKMS autoinstall -k $K -k $K7 ${trees[*]} $4"
	status=0
	make -C "$work" --no-print-directory -j4 "${style[@]}" everything > "$work/out" 2>&1 < /dev/null || status=$?
	is "$status" "$3" "$1: make's exit status"
	[ "$status" = "$3" ] || note "$(cat "$work/out")"
}

outer_slots() # MAKE [OPTION]
{
	local style=("${@:2}")

	machine
	kernel $K
	kernel $K7
	parallel one '(make -f targets.mk; make -f targets.mk)'
	below "$1 above" + 0 ''
	# shellcheck disable=SC2046
	at_once 4 30 "$1 above" "$work/out" $(logs)
	# shellcheck disable=SC2046
	quiet "$work/out" $(logs)
	like "$(cat "$work/out")" "dkms: one/1.0 for $K7: installed" "$1 above: dkms is done"

	# shellcheck disable=SC2046
	dkms remove one/1.0 --all > /dev/null
	parallel one '(make -f targets.mk; make -f targets.mk; false)'
	below "$1 above, failing" + 2 ''
	is "$(grep -c '^dkms: .*: FAILED' "$work/out")" 2 "$1 above, failing: both jobs fail"
	quiet "$work/out"

	dkms remove one/1.0 --all > /dev/null
	parallel one 'make -f targets.mk'
	below "$1 above, no +" '' 0 ''
	if [[ $make_version = 4.[0-3]* ]] || [ -n "${2:-}" ]; then
		is "$(grep -c 'job slots of the make that runs dkms cannot be reached' "$work/out")" 1 \
			"$1 above, no +: one warning"
	else
		# shellcheck disable=SC2046
		at_once 4 18 "$1 above, no +" "$work/out" $(logs)
	fi
	dkms remove one/1.0 --all > /dev/null
	parallel one 'make -f targets.mk'
	below "$1 above, -j" '' 0 '-j 1'
	is "$(grep -c 'cannot be reached' "$work/out")" 0 "$1 above, -j: no warning"
	# shellcheck disable=SC2046
	is "$(spans $(logs))" "12 1" "$1 above, -j: dkms has its own slots"
}

# This test acts as the make above: it makes a pipe with five tokens and counts them afterwards.
# However dkms ends, all tokens must be back.
count_tokens()
{
	local token

	tokens=
	while IFS= read -r -t 0.1 -N 1 token <&"$pipe"; do
		tokens+=$token
	done
	printf %s "$tokens" >&"$pipe"
}

counted() # MAKE
{
	local n signal wrong="" form

	machine
	kernel $K
	kernel $K7
	# A killed make cannot return its tokens, so this make takes none for itself.
	module one 1.0 'PRE_BUILD=pre.sh'
	module two 1.0 'PRE_BUILD=pre.sh'
	for n in one two; do
		write_script "$sourcetree/$n-1.0/pre.sh" 'sleep 0.2'
		dkms add $n/1.0 > /dev/null
	done
	rm -f "$work/pipe"
	mkfifo "$work/pipe"
	# shellcheck disable=SC2094
	exec {pipe}<> "$work/pipe" {reads}< "$work/pipe" {writes}> "$work/pipe"
	printf abcde >&"$pipe"
	for form in "$reads,$writes" "fifo:$work/pipe"; do
		for signal in 0 INT TERM HUP; do
			for n in 1 2; do
				dkms unbuild one/1.0 --all > /dev/null 2>&1 || true
				dkms unbuild two/1.0 --all > /dev/null 2>&1 || true
				set -m
				MAKEFLAGS=" -j6 --jobserver-auth=$form" "$DKMS" autoinstall -k $K -k $K7 "${trees[@]}" \
					> "$work/out" 2>&1 < /dev/null &
				set +m
				sleep "0.$((RANDOM % 6))$((RANDOM % 10))"
				[ $signal = 0 ] || kill -s $signal $! 2> /dev/null || true
				[ $n != 2 ] || kill -s $signal $! 2> /dev/null || true
				wait $! 2> /dev/null || true
				count_tokens
				[ "$(printf %s "$tokens" | fold -w 1 | sort | tr -d '\n')" = abcde ] ||
					wrong+="$form $signal: $tokens"$'\n'
			done
		done
	done
	is "$wrong" "" "all tokens of a make above are returned, also after signals"
	exec {pipe}<&- {reads}<&- {writes}>&-
}

# A build that fills the pipe of the jobserver, empties it and makes it non-blocking, while another
# one uses job slots.
hostile() # MAKE
{
	machine
	kernel $K
	parallel good 'for n in 1 2 3 4; do make -f targets.mk || exit; done'
	parallel bad 'python3 attack.py'
	cat > "$sourcetree/bad-1.0/attack.py" <<'PYTHON'
import fcntl, os, re, time
auth = re.findall(r"--jobserver-auth=(\S+)", os.environ["MAKEFLAGS"])[-1]
if auth.startswith("fifo:"):
    reads = writes = os.open(auth[5:], os.O_RDWR | os.O_NONBLOCK)
else:
    reads, writes = map(int, auth.split(","))
    for fd in (reads, writes):
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)
def until_blocked(call):
    try:
        while call():
            pass
    except BlockingIOError:
        pass
until = time.time() + 3
while time.time() < until:
    until_blocked(lambda: os.write(writes, b"+" * 4096))
    until_blocked(lambda: os.write(writes, b"+"))
    time.sleep(0.3)
    until_blocked(lambda: os.read(reads, 4096))
    time.sleep(0.1)
print("attack is over")
PYTHON
	dkms_exits 0 "$1: a hostile build: both modules are installed" autoinstall -k $K -j 3 --timeout 200
	like "$(cat "$dkmstree/bad/1.0/$K/$arch/log/make.log")" "attack is over" "$1: (the attack took place)"
	at_once 3 24 "$1: the other build" "$dkmstree/good/1.0/$K/$arch/log/make.log"
	quiet "$dkmstree/good/1.0/$K/$arch/log/make.log"
}

# The same, below a make whose pipe must not change.
hostile_below()
{
	dkms unbuild bad/1.0 --all > /dev/null
	dkms unbuild good/1.0 --all > /dev/null
	rm -f "$work/pipe"
	mkfifo "$work/pipe"
	# shellcheck disable=SC2094
	exec {pipe}<> "$work/pipe" {reads}< "$work/pipe" {writes}> "$work/pipe"
	printf ab >&"$pipe"
	status=0
	MAKEFLAGS=" -j3 --jobserver-auth=$reads,$writes" "$DKMS" autoinstall -k $K --timeout 200 "${trees[@]}" \
		> "$work/out" 2>&1 < /dev/null || status=$?
	is "$status" 0 "a hostile build below a make: both modules are installed"
	is "$(sed -n 's/^flags:.*\(.\)...$/\1/p' "/proc/$$/fdinfo/$reads" "/proc/$$/fdinfo/$writes" | grep -c '[4567]')" 0 \
		"the pipe of the make is not made non-blocking"
	count_tokens
	is "$(printf %s "$tokens" | fold -w 1 | sort | tr -d '\n')" ab "it has the tokens that it had"
	exec {pipe}<&- {reads}<&- {writes}>&-
}

slots_of_json() { sed -n 's/^ *"slots": *\([0-9]*\),*$/\1/p' "$work/json"; }

n_slots() # WANTED DESCRIPTION COMMAND...
{
	local want=$1 description=$2

	shift 2
	"$@" > "$work/json" 2> "$work/err" < /dev/null || true
	is "$(slots_of_json)" "$want" "$description"
}

defaults()
{
	local cpus group run

	machine
	kernel $K
	module one 1.0
	dkms add one/1.0 > /dev/null
	cpus=$(nproc)
	run=("$DKMS" build one/1.0 -k "$K" --force "${trees[@]}" --json)
	n_slots "$cpus" "by default a slot for each CPU" "${run[@]}"
	n_slots 7 "-j" "${run[@]}" -j 7
	n_slots 0 "-j 0: no limit but that of the memory" "${run[@]}" -j 0 --max-memory 1T
	n_slots 3 "--max-memory: those that fit, as nothing was built before" "${run[@]}" -j 8 --max-memory 500M
	n_slots 1 "one in any case" "${run[@]}" -j 8 --max-memory 1M
	n_slots 2 "not more than there are" "${run[@]}" -j 2 --max-memory 500M
	dkms_exits 2 "--max-memory needs a size" build one/1.0 -k "$K" --max-memory lots
	run=("${run[@]/--no-cache/--cache-dir=$work/cache}")
	"${run[@]}" > "$work/built" 2>&1 < /dev/null
	awk '$1 == "one/1.0" { $4 = 50000000 } { print }' "$work"/cache/v*/history > "$work/history"
	ok "the time of a build is recorded" grep -q "^one/1.0 $K [0-9]* 50000000 " "$work/history"
	cp "$work/history" "$work"/cache/v*/history
	n_slots 10 "and decides how many fit" "${run[@]}" -j 16 --max-memory 500M
	like "$(cat "$work"/cache/v*/history)" "^one/1.0 $K [0-9]* [0-9]* [0-9]*\$" "a new time replaces it"
	for history in garbage "dkms-history 1"$'\n'"one/1.0 $K x" "dkms-history 2"$'\n'"one/1.0 $K 1 50000000 9999999999"; do
		echo "$history" > "$(echo "$work"/cache/v*/history)"
		n_slots 3 "a history that is damaged or another's is none" "${run[@]}" -j 8 --max-memory 500M
	done
	run=("${run[@]/--cache-dir=*/--no-cache}")
	n_slots 1 "one CPU by taskset" taskset -c "$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')" "${run[@]}"
	if private_etc; then
		echo 'parallel_jobs=5' > "$etc/framework.conf"
		n_slots 5 "parallel_jobs" "${run[@]}"
		n_slots 3 "-j wins over it" "${run[@]}" -j 3
		echo 'max_memory=500M' > "$etc/framework.conf"
		n_slots 3 "max_memory" "${run[@]}" -j 8
		n_slots 6 "--max-memory wins over it" "${run[@]}" -j 8 --max-memory 1G
		rm "$etc/framework.conf"
	fi
	group=$(sed -n 's/^0:://p' /proc/self/cgroup)
	if [ -z "$private" ] || [ -z "$group" ] || ! mount -t tmpfs cgroup /sys/fs/cgroup 2> /dev/null; then
		skip "no control groups to try with" "the quota of a control group"
		return
	fi
	mkdir -p "/sys/fs/cgroup$group/"
	echo "max 100000" > "/sys/fs/cgroup$group/cpu.max"
	n_slots "$cpus" "a control group without a quota" "${run[@]}"
	echo "50000 100000" > "/sys/fs/cgroup$group/cpu.max"
	n_slots 1 "one with half a CPU" "${run[@]}"
	echo "$(((cpus + 3) * 100000)) 100000" > "/sys/fs/cgroup$group/cpu.max"
	n_slots "$cpus" "one with more than there are" "${run[@]}"
	[ "$group" = / ] || echo "90000 100000" > "/sys/fs/cgroup/cpu.max"
	[ "$group" = / ] || n_slots 1 "one in a group with less" "${run[@]}"
	rm -f "/sys/fs/cgroup$group/cpu.max" /sys/fs/cgroup/cpu.max
	echo max > "/sys/fs/cgroup$group/memory.max"
	n_slots 8 "a control group that permits all memory" "${run[@]}" -j 8
	echo $((500 << 20)) > "/sys/fs/cgroup$group/memory.max"
	echo $((300 << 20)) > "/sys/fs/cgroup$group/memory.current"
	echo $'anon 1\nfile '$((150 << 20))$'\nkernel 1' > "/sys/fs/cgroup$group/memory.stat"
	n_slots 2 "one that permits less: what it uses counts, except for files" "${run[@]}" -j 8
	umount /sys/fs/cgroup
	group=$(sed -n 's/^[0-9]*:\(.*,\)*cpu\(,.*\)*://p' /proc/self/cgroup)
	if [ -n "$group" ]; then
		mount -t tmpfs cgroup /sys/fs/cgroup
		mkdir -p "/sys/fs/cgroup/cpu$group"
		echo -1 > "/sys/fs/cgroup/cpu$group/cpu.cfs_quota_us"
		echo 100000 > "/sys/fs/cgroup/cpu$group/cpu.cfs_period_us"
		n_slots "$cpus" "version 1: no quota" "${run[@]}"
		echo 50000 > "/sys/fs/cgroup/cpu$group/cpu.cfs_quota_us"
		n_slots 1 "version 1: half a CPU" "${run[@]}"
		umount /sys/fs/cgroup
	fi
	group=$(sed -n 's/^[0-9]*:\(.*,\)*memory\(,.*\)*://p' /proc/self/cgroup)
	if [ -n "$group" ]; then
		mount -t tmpfs cgroup /sys/fs/cgroup
		mkdir -p "/sys/fs/cgroup/memory$group"
		echo 9223372036854771712 > "/sys/fs/cgroup/memory$group/memory.limit_in_bytes"
		echo $((300 << 20)) > "/sys/fs/cgroup/memory$group/memory.usage_in_bytes"
		echo $'cache 1\ntotal_cache '$((150 << 20)) > "/sys/fs/cgroup/memory$group/memory.stat"
		n_slots 8 "version 1: all memory" "${run[@]}" -j 8
		echo $((500 << 20)) > "/sys/fs/cgroup/memory/memory.limit_in_bytes"
		cp "/sys/fs/cgroup/memory$group/memory."{usage_in_bytes,stat} /sys/fs/cgroup/memory/ 2> /dev/null || true
		n_slots 2 "version 1: a group further up permits less" "${run[@]}" -j 8
		umount /sys/fs/cgroup
	fi
}

with_make()
{
	make_version=$(make --version | sed -n 's/^GNU Make //p')
	own_slots "make $make_version"
	own_numbers "make $make_version"
	outer_slots "make $make_version"
	hostile "make $make_version"
	hostile_below
	[[ $make_version = 4.[0-3]* ]] || outer_slots "make $make_version, a pipe" --jobserver-style=pipe
	# The number of tokens before and after, also with killed makes.
	ok "make $make_version: the runner's tests" "${top_builddir:?}/tests/unit/test-runner"
}

defaults
counted
with_make
input=$("$top_srcdir/tests/fetch-input" --make --kernels "" --modules "" 2> "$work/input.log") || input=
make44=$(sed -n 's/^make [^ ]* //p' <<< "$input")
if [ -z "$make44" ] || [ -z "$private" ] || ! mount -t tmpfs opt /opt 2> /dev/null; then
	skip "it cannot be had, or namespaces are not permitted" "make 4.4"
else
	cp "${make44%/*}"/* /opt
	PATH=/opt:$PATH
	with_make
fi
finish
