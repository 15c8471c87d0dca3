#!/bin/bash
# Signals at random moments, and two processes of dkms at the same time: no child is left, the trees
# are consistent, and the next run succeeds. DKMS_TEST_SEED repeats the moments of another run.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
RANDOM=${DKMS_TEST_SEED:=$RANDOM}
note "DKMS_TEST_SEED=$DKMS_TEST_SEED"

# Waits between 0 and MS milliseconds.
moment() # MS
{
	local ms=$((RANDOM % $1))

	moment=$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))
	sleep "$moment"
}

# Starts dkms in a process group of its own, as a terminal does; $dkms is its PID.
start_dkms() # ARGUMENT...
{
	local comm

	set -m
	"$DKMS" "$@" "${trees[@]}" < /dev/null > "$work/first.out" 2> "$work/first.err" &
	dkms=$!
	set +m
	# Until it calls exec the child is a copy of this test, which would handle a signal.
	while read -r comm 2>/dev/null < "/proc/$dkms/comm" && [ "$comm" = "${BASH##*/}" ]; do
		:
	done
}

# Waits until the make of a module has printed "started".
until_started() # NAME
{
	while ! grep -qs started "$dkmstree/$1"/1.0/.job-*/make.log; do
		sleep 0.05
	done
}

# Sets $whole_ms to the time of a run without interruption. The first run does not count.
how_long()
{
	local _

	for _ in 1 2; do
		rm -rf "$dkmstree" "$installtree"
		cp -a "$work/before/dkms" "$dkmstree"
		cp -a "$work/before/modules" "$installtree"
		whole_ms=${EPOCHREALTIME/./}
		dkms autoinstall -k $K -k $K7 > /dev/null
		whole_ms=$(((${EPOCHREALTIME/./} - whole_ms) / 1000))
	done
}

# Sends SIGNAL at TIMES random moments of an autoinstall of three modules for two kernels, and then
# more often until at least two signals hit the middle of a run.
interrupted() # SIGNAL STATUS TIMES [OPTION...]
{
	local signal=$1 want=$2 times=$3 n m status wrong="" left="" half="" again="" hit=0

	shift 3
	for ((n = 0; n < times || (hit < 2 && n < 10 * times); n++)); do
		rm -rf "$dkmstree" "$installtree"
		cp -a "$work/before/dkms" "$dkmstree"
		cp -a "$work/before/modules" "$installtree"
		start_dkms autoinstall -k $K -k $K7 "$@"
		moment "$whole_ms"
		# Every second time the signal goes to all processes, as from a terminal.
		if [ $((n % 2)) -eq 0 ]; then
			kill -s "$signal" -- "-$dkms" 2>/dev/null || true
		else
			kill -s "$signal" "$dkms" 2>/dev/null || true
		fi
		status=0
		wait "$dkms" 2>/dev/null || status=$?
		[ "$status" -ne "$want" ] || hit=$((hit + 1))
		[ "$status" -eq "$want" ] || [ "$status" -eq 0 ] ||
			wrong+="after $moment s: $status $(cat "$work/first.err")"$'\n'
		left+=$(leftover_processes)
		[ "$signal" = KILL ] || half+=$(check_trees "after $moment s" | grep -A 3 '^not ok' || true)
		run_dkms autoinstall -k $K -k $K7
		[ "$status" -eq 0 ] || again+="after $moment s: $status $err"$'\n'
		half+=$(check_trees "after $moment s and again" | grep -A 3 '^not ok' || true)
		for m in one two three; do
			[ "$(state $m 1.0 $K) $(state $m 1.0 $K7)" = "installed installed" ] ||
				again+="after $moment s: $m is not installed"$'\n'
		done
	done
	is "$wrong" "" "SIG$signal $*: the exit status is the signal's"
	is "$left" "" "SIG$signal $*: no child is left"
	is "$half" "" "compat 12: SIG$signal $*: the trees are consistent"
	is "$again" "" "compat 12: SIG$signal $*: the next run succeeds"
	ok "SIG$signal $*: some signals hit the middle of a run ($hit of $n in $whole_ms ms)" test "$hit" -gt 1
}

signals()
{
	local m

	machine
	kernel $K
	kernel $K7
	for m in one two three; do
		module $m 1.0 'PRE_BUILD=pre.sh'
		write_script "$sourcetree/$m-1.0/pre.sh" 'sleep 0.1'
		dkms add $m/1.0 > /dev/null
		kernel_module $K kernel/$m.ko 0.1 old
	done
	echo 'BUILD_DEPENDS=one' >> "$sourcetree/two-1.0/dkms.conf"
	mkdir "$work/before"
	cp -a "$dkmstree" "$work/before/dkms"
	cp -a "$installtree" "$work/before/modules"
	# Slightly longer than a run without interruption.
	how_long
	interrupted INT 130 13
	interrupted TERM 143 12
	interrupted TERM 143 6 --sandbox=off
	interrupted KILL 137 10
	# With a cache, which the first runs fill.
	trees=("${trees[@]/--no-cache/--cache-dir=$work/cache}")
	interrupted INT 130 5 -j 1
	interrupted KILL 137 4 -j 1
	ok "the cache is not damaged" dkms cache verify

	# A make that ignores signals.
	machine
	kernel $K
	module deaf 1.0 'MAKE="trap \"\" INT TERM; echo started; while :; do sleep 0.1; done"'
	start_dkms install deaf/1.0 -k $K
	until_started deaf
	kill -TERM "$dkms"
	status=0
	wait "$dkms" || status=$?
	is "$status" 143 "a make that ignores signals: the exit status"
	is "$(leftover_processes)" "" "a make that ignores signals: it is killed"
	is "$(state deaf 1.0 $K)" added "no module is built"
	is "$(ls -A "$dkmstree/deaf/1.0")" "$(printf '%s\n' build source)" "no temporary file is left"

	# The lock of a dead process does not count.
	for n in 1 2 3; do
		machine
		kernel $K
		module held 1.0 "MAKE=\"echo started; while [ ! -e '$sourcetree/held-1.0/go' ]; do sleep 0.05; done; make -C \$kernel_source_dir M=\$dkms_tree/held/1.0/build\""
		start_dkms install held/1.0 -k $K
		until_started held
		kill -KILL "$dkms"
		touch "$sourcetree/held-1.0/go"
		run_dkms install held/1.0 -k $K
		wait "$dkms" 2>/dev/null || true
		is "$status $(grep -c waiting <<< "$out$err")" "0 0" "killed while it held the lock: the next run does not wait"
	done
}

# What a user, and a script, reads about a run that was interrupted.
told()
{
	machine
	kernel $K
	kernel $K7
	module bad 1.0 'MAKE="exit 3"'
	module held 1.0 'MAKE="echo started; sleep 600"'
	module last 1.0 'BUILD_DEPENDS=held'
	module quick 1.0
	dkms install quick/1.0 -k $K > /dev/null
	for m in held last; do
		dkms add $m/1.0 > /dev/null
	done
	start_dkms autoinstall -k $K -k $K7 -j 2 --events "$work/events"
	until_started held
	kill -INT "$dkms"
	status=0
	wait "$dkms" || status=$?
	is "$status" 130 "interrupted: the exit status"
	like "$(< "$work/first.out")" "^Interrupted: .*[12] stopped, [23] not begun\\. The same command goes on from here\\.$" "a line says how many jobs were stopped, and how many had not begun"
	is "$(grep -E "FAILED|failed|cancelled" <<< "$(cat "$work/first.out" "$work/first.err")")" "" "nothing is said to have failed"
	is "$(jq -r 'select(.event == "job-ended" and .module == "held" and .kind == "install") | .result' "$work/events" | sort -u)" stopped "--events: the job is stopped"
	is "$(jq -r 'select(.event == "job-ended" and .module == "last" and .kind == "install") | .result' "$work/events" | sort -u)" stopped "--events: and so is the one that needs it"
	is "$(jq -r 'select(.event == "end") | .status' "$work/events")" 130 "--events: the exit status"
	ok "no log of the build is kept, since it has not failed" test ! -e "$dkmstree/held/1.0/build/make.log"

	start_dkms install held/1.0 -k $K --json
	until_started held
	kill -TERM "$dkms"
	status=0
	wait "$dkms" || status=$?
	is "$status $(jq -r '"\(.status) \(.jobs[] | select(.kind == "install") | .result)"' "$work/first.out")" "143 143 stopped" "--json: the status, and that the job was stopped"

	# What failed before the signal stays a failure.
	dkms add bad/1.0 > /dev/null
	start_dkms autoinstall -k $K -j 2
	until_started held
	while ! grep -q "bad/1.0 for $K: FAILED" "$work/first.err"; do
		sleep 0.05
	done
	kill -INT "$dkms"
	wait "$dkms" || true
	like "$(cat "$work/first.out")" "^Interrupted: .*1 failed, 1 stopped" "a failure before the signal is counted as one"
	like "$(cat "$work/first.err")" "make.log" "its log is named"
	is "$(grep -E "held" <<< "$(cat "$work/first.err")")" "" "the stopped job has no failure"
}

# Makes by hand what kill -9 can leave of an install, since the right moments are hard to hit.
killed_installs()
{
	local before original

	machine
	kernel $K
	module hello 1.0
	module hello 1.1
	kernel_module $K kernel/hello.ko 0.1 old
	original=$dkmstree/hello/original_module/$K/$arch
	before=$(snapshot "$installtree")
	dkms install hello/1.0 -k $K > /dev/null
	rm "$dkmstree/hello/kernel-$K-$arch"
	touch "$installtree/$K/$dest/"{.hello.ko.dkms-new,..hello.ko.dkms-new.123-4}
	dkms_exits 0 "killed before the link was set: install" install hello/1.0 -k $K
	is "$(state hello 1.0 $K)" installed "the module is installed"
	check_trees "no file of the killed install is left"
	rm "$dkmstree/hello/kernel-$K-$arch"
	dkms_exits 0 "killed before the link was set: remove" remove hello/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "the kernel's tree is as before"
	is "$(ls "$dkmstree")" "" "no file is left in the dkms tree"

	dkms build hello/1.0 -k $K > /dev/null
	mkdir -p "$original"
	echo "$installtree/$K/kernel/hello.ko" > "$original/hello.ko.origin"
	dkms_exits 0 "killed before the original was moved: install" install hello/1.0 -k $K
	dkms_exits 0 "killed before the original was moved: uninstall" uninstall hello/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "the kernel's tree is as before"
	mkdir -p "$original"
	echo "$installtree/$K/kernel/hello.ko" > "$original/hello.ko.origin"
	mv "$installtree/$K/kernel/hello.ko" "$original"
	dkms_exits 0 "killed after the original was moved: install" install hello/1.0 -k $K
	dkms_exits 0 "killed after the original was moved: uninstall" uninstall hello/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "the kernel's tree is as before"
	mkdir -p "$original"
	echo "$installtree/$K/kernel/hello.ko" > "$original/hello.ko.origin"
	mv "$installtree/$K/kernel/hello.ko" "$original"
	dkms_exits 0 "killed after the original was moved: remove" remove hello/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "the kernel's tree is as before"

	dkms install hello/1.0 -k $K > /dev/null
	dkms build hello/1.1 -k $K > /dev/null
	cp "$dkmstree/hello/1.1/$K/$arch/module/hello.ko" "$installtree/$K/$dest/hello.ko"
	dkms_exits 0 "killed while another version replaced it: install" install hello/1.1 -k $K
	check_trees "the other version is installed"
	cp "$original/hello.ko" "$installtree/$K/kernel/hello.ko"
	dkms_exits 0 "killed while uninstalling: uninstall" uninstall hello/1.1 -k $K
	is "$(snapshot "$installtree")" "$before" "the kernel's tree is as before"
}

# Killed after the module was installed, when only the build directory was left to remove.
killed_at_the_end()
{
	local dir option lock run name tmp=${TMPDIR:-/tmp}

	for option in --sandbox=auto --sandbox=off; do
		machine
		kernel $K
		module hello 1.0
		dkms install hello/1.0 -k $K > /dev/null
		dir=$dkmstree/hello/1.0
		mkdir -p "$dir/.job-$K-$arch/build" "$dir/build" "$dkmstree/.run-killed"
		if [ $option = --sandbox=off ]; then
			mv "$dir/build" "$dir/.logs"
			mv "$dir/.job-$K-$arch/build" "$dir/build"
			touch "$dir/.logs/mine"
		fi
		mkdir -p "$dkmstree/.locks"
		chmod 700 "$dkmstree/.locks"
		name=$(realpath "$dir")/.job-$K-$arch
		exec {lock}> "$dkmstree/.locks/${name//\//%2F}" {run}< "$dkmstree/.run-killed"
		flock "$lock"
		flock "$run"
		dkms autoinstall -k $K $option > /dev/null
		ok "$option: the directory of a living process is kept" test -d "$dir/.job-$K-$arch"
		exec {lock}<&- {run}<&-
		mkdir "$tmp/dkms-depmod-other" "$tmp/dkms-depmod-own"
		chown 12345 "$tmp/dkms-depmod-other" 2> /dev/null || rmdir "$tmp/dkms-depmod-other"
		dkms autoinstall -k $K $option > /dev/null
		ok "$option: a temporary directory of a dead process is removed" test ! -e "$tmp/dkms-depmod-own"
		if [ -n "$private" ] && [ "$(id -u nobody 2> /dev/null)" ]; then
			ok "$option: one of another user is not" rmdir "$tmp/dkms-depmod-other"
		fi
		check_trees "$option: the directory of a dead process is removed, although there is nothing to build"
		[ $option = --sandbox=auto ] || ok "$option: logs of old are where they belong" test -e "$dir/build/mine"
	done
}

# Two processes of dkms do the same at the same time.
two_at_once()
{
	local n failed="" wrong=""

	machine
	kernel $K
	kernel $K7
	module hello 1.0 'PRE_BUILD=pre.sh'
	write_script "$sourcetree/hello-1.0/pre.sh" 'sleep 0.2'
	for n in 1 2 3 4 5; do
		start_dkms install hello/1.0 -k $K -k $K7
		[ "$n" -eq 1 ] || moment 300
		run_dkms install hello/1.0 -k $K -k $K7
		[ "$status" -eq 0 ] || failed+="the second: $status $err"$'\n'
		status=0
		wait "$dkms" || status=$?
		[ "$status" -eq 0 ] || failed+="the first: $status $(cat "$work/first.err")"$'\n'
		wrong+=$(check_trees "two at once" | grep -A 3 '^not ok' || true)
		run_dkms install hello/1.0 -k $K -k $K7
		[ "$status" -eq 0 ] || failed+="again: $status $err"$'\n'
		dkms remove hello/1.0 --all > /dev/null
	done
	is "$failed" "" "compat 12: two install the same: one installs, the other waits"
	failed=""
	for n in 1 2 3; do
		start_dkms build hello/1.0 -k $K --sandbox=off
		moment 200
		run_dkms build hello/1.0 -k $K7 --sandbox=off
		[ "$status" -eq 0 ] || failed+="the second: $status $err"$'\n'
		status=0
		wait "$dkms" || status=$?
		[ "$status" -eq 0 ] || failed+="the first: $status $(cat "$work/first.err")"$'\n'
		wrong+=$(check_trees "two without a sandbox" | grep -A 3 '^not ok' || true)
		dkms remove hello/1.0 --all > /dev/null
	done
	is "$failed" "" "two builds for two kernels in one directory, without a sandbox: one waits"
	is "$wrong" "" "compat 12: two install the same: the trees are consistent"
}

# Sets $some to arguments that install some of three modules for some of two kernels, and $jobs to
# the jobs of that command.
choose()
{
	local names=(one two three) kernels=("-k $K" "-k $K7" "-k $K -k $K7") m k

	k=${kernels[RANDOM % 3]}
	m=${names[RANDOM % 3]}/1.0
	some="install $m $k"
	[ $((RANDOM % 2)) -eq 0 ] || { some="autoinstall $k"; m='*'; }
	jobs=
	for k in ${k//-k/}; do
		jobs+="$m for $k"$'\n'
	done
}

# Two processes of dkms share some of their jobs. Each waits only for the shared jobs.
some_of_the_same()
{
	local n first second line failed="" wrong="" idle="" m

	machine
	kernel $K
	kernel $K7
	for m in one two three; do
		module $m 1.0 'PRE_BUILD=pre.sh'
		write_script "$sourcetree/$m-1.0/pre.sh" 'sleep 0.1'
	done
	for n in {1..12}; do
		for m in one two three; do
			dkms add $m/1.0 > /dev/null
		done
		choose
		first=$jobs
		# shellcheck disable=SC2086
		start_dkms $some
		moment 200
		choose
		second=$jobs
		# shellcheck disable=SC2086
		run_dkms $some
		[ "$status" -eq 0 ] || failed+="the second, $some: $status $err"$'\n'
		status=0
		wait "$dkms" || status=$?
		[ "$status" -eq 0 ] || failed+="the first: $status $(cat "$work/first.err")"$'\n'
		wrong+=$(check_trees "two at once" | grep -A 3 '^not ok' || true)
		while IFS= read -r line; do
			line=${line#dkms: }
			line=${line%: waiting*}
			grep -qxF -e "$line" -e "* for ${line#* for }" <<< "$first" &&
				grep -qxF -e "$line" -e "* for ${line#* for }" <<< "$second" ||
				idle+="round $n: $line"$'\n'
		done < <(cat "$work/first.out" "$work/first.err" "$work/out" "$work/err" | grep ': waiting')
		for m in one two three; do
			dkms remove $m/1.0 --all > /dev/null 2>&1
		done
	done
	is "$failed" "" "two share some jobs: both succeed"
	is "$wrong" "" "two share some jobs: the trees are consistent"
	is "$idle" "" "two share some jobs: they wait only for shared jobs"
}

# The second of two processes waits and says so. Meanwhile it does its other jobs.
waiting()
{
	local first second status=0

	machine
	kernel $K
	module hello 1.0 'PRE_BUILD=pre.sh'
	write_script "$sourcetree/hello-1.0/pre.sh" "echo pre; while [ ! -e '$sourcetree/hello-1.0/go' ]; do sleep 0.05; done"
	module other 1.0
	dkms add hello/1.0 > /dev/null
	dkms add other/1.0 > /dev/null
	dkms build hello/1.0 -k $K > "$work/first" 2>&1 &
	first=$!
	for ((i = 0; i < 300; i++)); do
		! grep -qs pre "$dkmstree"/hello/1.0/.job-*/make.log || break
		sleep 0.1
	done
	dkms autoinstall -k $K -j 1 > "$work/second" 2>&1 &
	second=$!
	ok "the second says that it waits" until_line "^dkms: hello/1.0 for $K: waiting" "$work/second"
	ok "it does another job meanwhile, with its only slot" until_line "^dkms: other/1.0 for $K: installed" "$work/second"
	touch "$sourcetree/hello-1.0/go"
	wait "$first" || status=$?
	is "$status" 0 "the first process succeeds"
	wait "$second" || status=$?
	is "$status" 0 "the second process succeeds"
	like "$(cat "$work/second")" "hello/1.0 for $K: installed\$" "the second process does not build it again"
	is "$(find "$dkmstree" -name '.job*')" "" "no lock is left"
}

# kill -9 while a source is copied or an archive is written.
killed_copies()
{
	local i left=""

	machine
	kernel $K
	module big 1.0
	mv "$sourcetree/big-1.0" "$machine/big"
	mkdir "$machine/big/many"
	(cd "$machine/big/many" && seq 20000 | xargs touch)
	start_dkms add "$machine/big"
	for ((i = 0; i < 500; i++)); do
		left=$(find "$sourcetree" -path '*/many/1*' -print -quit 2> /dev/null)
		[ -z "$left" ] || break
		sleep 0.01
	done
	kill -KILL "$dkms"
	wait "$dkms" 2> /dev/null || true
	ok "(the killed add DIRECTORY leaves a temporary directory)" test -n "$left" -a ! -e "$sourcetree/big-1.0"
	dkms_exits 0 "add DIRECTORY again" add "$machine/big"
	is "$(ls -A -I 'linux-*' "$sourcetree")" big-1.0 "the temporary directory is removed"
	is "$(ls "$sourcetree/big-1.0/many" | wc -l)" 20000 "the copy is complete"

	head -c 30M /dev/urandom > "$sourcetree/big-1.0/noise"
	start_dkms mktarball big/1.0 --source-only --archive "$machine/big.tar.xz"
	for ((i = 0; i < 500; i++)); do
		left=$(find "/proc/$dkms/fd" -lname "$machine/*" -size +0 -print -quit 2> /dev/null)
		[ -z "$left" ] || break
		sleep 0.01
	done
	ok "(mktarball is writing)" test -n "$left"
	kill -KILL "$dkms"
	wait "$dkms" 2> /dev/null || true
	is "$(cd "$machine" && echo big*)" big "a killed mktarball leaves no file"
	for i in 1 2; do
		dkms_exits 0 "mktarball" mktarball big/1.0 --source-only --archive "$machine/big.tar"
		stat -c "%i %a %s" "$machine/big.tar" >> "$work/archives"
	done
	is "$(cut -d ' ' -f 2- "$work/archives" | uniq | wc -l)" 1 "two archives have the same content"
	ok "the second archive replaces the first" test "$(uniq "$work/archives" | wc -l)" -eq 2
	is "$(cd "$machine" && echo big*)" "big big.tar" "no other file is left"
}

told
signals
killed_copies
waiting
killed_installs
killed_at_the_end
two_at_once
some_of_the_same
finish
