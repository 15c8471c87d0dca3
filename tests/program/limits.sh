#!/bin/bash
# How long may a job or a script take, how much may it write, and what happens with few descriptors
# or when a signal comes while a command must not be interrupted?
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

# Waits until a file exists.
until_file() # PATH
{
	local i

	for ((i = 0; i < 300; i++)); do
		[ ! -e "$1" ] || return 0
		sleep 0.1
	done
	return 1
}

# Builds that write without end, in their log, while another build is not affected.
log_limit()
{
	local log

	machine
	kernel $K
	module loud 1.0 'MAKE="yes; make"'
	module hush 1.0 'PRE_BUILD=pre.sh'
	write_script "$sourcetree/hush-1.0/pre.sh" 'yes >&2 & wait'
	module told 1.0 'PRE_BUILD=pre.sh'
	write_script "$sourcetree/told-1.0/pre.sh" 'echo this is the beginning' 'seq 1000000000'
	module large 1.0 "MAKE=\"head -c 5M /dev/zero | tr '\\\\0' x; head -c 200M /dev/zero > object; make -C \$kernel_source_dir M=\$dkms_tree/large/1.0/build\""
	echo 'max_log=10M' > "$etc/framework.conf"
	for log in loud hush told large; do
		dkms add $log/1.0 > /dev/null
	done
	run_dkms autoinstall -k $K
	is "$(state loud 1.0 $K) $(state hush 1.0 $K) $(state large 1.0 $K)" "added added installed" \
		"what writes too much to its log fails; large files and a log below the limit do not matter"
	like "$out$err" "loud.* wrote more than 10 MiB to its log" "the error says why"
	for log in loud hush; do
		log=$(echo "$dkmstree/$log/1.0/build/$K-$arch/make.log")
		ok "the log is cut at the limit" test "$(stat -c %s "$log")" -lt 12000000
		is "$(grep -c '^# dkms: the log is cut off here' "$log")" 1 "the log says so"
	done
	log=$(echo "$dkmstree/told/1.0/build/$K-$arch/make.log")
	like "$(head -n 20 "$log")" "this is the beginning" "the beginning of the log is kept"
	awk '/^# dkms: the log is cut off/ { middle = before } /^[0-9]+$/ { before = $1 }
		END { exit !(middle > 1000 && before > middle + 1000) }' "$log" && order=right || order=wrong
	is "$order" right "and its end, which is later"
	ok "it is not longer than permitted" test "$(stat -c %s "$log")" -lt 11000000
	# A command can make its log longer without writing, as the last thing that it does.
	module long 1.0 "POST_BUILD=long.sh"
	write_script "$sourcetree/long-1.0/long.sh" "perl -e 'truncate(STDOUT, 1 << 40)'"
	dkms_exits 1 "a log of 1 TiB without content" build long/1.0 -k $K
	like "$err" "wrote more than 10 MiB to its log" "a log of 1 TiB without content: the error says so"
	echo 'max_log=100' > "$etc/framework.conf"
	dkms_exits 10 "a small limit" build long/1.0 -k $K
	like "$err" "wrote more than 100 bytes to its log" "is not rounded to 0"
	echo 'max_log=0' > "$etc/framework.conf"
	module much 1.0 "MAKE=\"head -c 70M /dev/zero; make -C \$kernel_source_dir M=\$dkms_tree/much/1.0/build\""
	dkms_exits 0 "no limit" install much/1.0 -k $K
	rm "$etc/framework.conf"
	dkms_exits 10 "64 MiB by default" build much/1.0 -k $K --force
}

time_limits()
{
	machine
	kernel $K
	module slow 1.0 'POST_INSTALL=post.sh' 'POST_ADD=post.sh' 'POST_REMOVE=post.sh'
	write_script "$sourcetree/slow-1.0/post.sh" 'sleep 1000'
	echo 'script_timeout=1' > "$etc/framework.conf"
	dkms_exits 0 "a script that never ends: add" add slow/1.0
	like "$err" "POST_ADD script ran longer than 1 s" "the warning says so"
	dkms_exits 0 "install" install slow/1.0 -k $K
	like "$err" "POST_INSTALL script ran longer than 1 s" "the warning says so"
	dkms_exits 0 "remove" remove slow/1.0 --all
	like "$err" "POST_REMOVE script ran longer than 1 s" "the warning says so"
	is "$(leftover_processes)" "" "no script is left"
	module waits 1.0 'PRE_BUILD=wait.sh'
	write_script "$sourcetree/waits-1.0/wait.sh" 'until read answer < /dev/tty; do echo "Continue?"; sleep 0.1; done'
	dkms_exits 1 "a PRE_BUILD that waits for a terminal" build waits/1.0 -k $K
	like "$err" "PRE_BUILD ran longer than 1 s" "the error says so"
	sed -i s/PRE_BUILD/POST_BUILD/ "$sourcetree/waits-1.0/dkms.conf"
	dkms_exits 1 "the same as POST_BUILD" build waits/1.0 -k $K
	like "$err" "POST_BUILD ran longer than 1 s" "the error says so"
	printf '%s\n' 'MAKE="sleep 2; make -C $kernel_source_dir M=$dkms_tree/waits/1.0/build"' >> "$sourcetree/waits-1.0/dkms.conf"
	sed -i /BUILD=/d "$sourcetree/waits-1.0/dkms.conf"
	dkms_exits 0 "MAKE may take longer" build waits/1.0 -k $K
	printf '%s\n' 'script_timeout=1' 'post_transaction="sleep 1000"' > "$etc/framework.conf"
	rm "$sourcetree/slow-1.0/post.sh"
	dkms_exits 0 "a post_transaction that never ends" install slow/1.0 -k $K
	like "$err" "post_transaction .* ran longer than 1 s" "the warning says so"
	echo 'build_timeout=2' > "$etc/framework.conf"
	module hung 1.0 'MAKE="sleep 1000"'
	dkms_exits 10 "build_timeout" install hung/1.0 -k $K
	like "$err" "ran longer than [12] s" "the error says so"
	module short 1.0 'MAKE="sleep 3; make -C $kernel_source_dir M=$dkms_tree/short/1.0/build"'
	dkms_exits 0 "--timeout wins over it" install short/1.0 -k $K --timeout 0
	rm "$etc/framework.conf"
}

# Signals while a command runs that must not stop halfway.
not_halfway()
{
	local signal status pid

	machine
	kernel $K
	module hello 1.0
	printf 'post_transaction="touch %s; sleep 1; touch %s"\n' "$work/begun" "$work/ended" > "$etc/framework.conf"
	for signal in INT TERM QUIT; do
		rm -f "$work/begun" "$work/ended"
		set -m
		"$DKMS" install hello/1.0 -k $K --force "${trees[@]}" > "$work/out" 2>&1 < /dev/null &
		pid=$!
		set +m
		until_file "$work/begun"
		kill -s $signal $pid
		status=0
		wait $pid 2> /dev/null || status=$?
		ok "$signal: post_transaction goes on to its end" test -e "$work/ended"
		is "$status" $((128 + $(kill -l $signal))) "$signal: then it ends dkms"
	done
	rm "$etc/framework.conf"
	module slow 1.0 "MAKE=\"sleep 1000\""
	set -m
	"$DKMS" install slow/1.0 -k $K "${trees[@]}" > "$work/out" 2>&1 < /dev/null &
	pid=$!
	set +m
	until_file "$dkmstree/slow/1.0/.job-$K-$arch/make.log"
	kill -s QUIT $pid
	status=0
	wait $pid 2> /dev/null || status=$?
	is "$status" 131 "QUIT ends dkms"
	is "$(leftover_processes)" "" "and its build"
	check_trees "the trees are consistent"
}

# Prints the soft and hard limits that a build has found in /proc/self/limits.
limits_of() # NAME
{
	sed -nE 's/^Max (core|open|processes)[a-z ]* +([0-9a-z]+) +([0-9a-z]+) .*/\1 \2 \3/p' \
		"$dkmstree/$1/1.0/$K/$arch/log/make.log" | sort | paste -sd, | sed 's/,/, /g'
}

# Prints the lower one of a limit, which may be "unlimited", and a number, twice.
lower() # LIMIT NUMBER
{
	[ "$1" = unlimited ] || [ "$1" -ge "$2" ] || set -- "$1" "$1"
	echo "$2 $2"
}

# Builds that start more processes than they may, while another build is not affected. They end
# even if nothing limits them.
process_limit()
{
	machine
	kernel $K
	echo 'max_processes=150' > "$etc/framework.conf"
	module bomb 1.0 'PRE_BUILD=pre.sh'
	write_script "$sourcetree/bomb-1.0/pre.sh" 'i=0' \
		'while [ $((i += 1)) -le 400 ]; do sleep 100 & done'
	module tree 1.0 "MAKE=\"perl -e 'for (1 .. 9) { defined fork or exec qw(echo no more processes) } sleep 1'; make -C \$kernel_source_dir M=\$dkms_tree/tree/1.0/build\""
	module conf 1.0
	module good 1.0
	for name in bomb tree conf good; do
		dkms add $name/1.0 > /dev/null
	done
	# A dkms.conf is limited, too.
	echo 'for ((i = 0; i < 400; i++)); do sleep 100 & done 2> /dev/null; kill $(jobs -p)' >> "$sourcetree/conf-1.0/dkms.conf"
	run_dkms autoinstall -k $K -j 4
	is "$status $(state bomb 1.0 $K) $(state conf 1.0 $K) $(state good 1.0 $K)" "11 added added installed" \
		"what starts too many processes fails, and another build does not"
	like "$err" "bomb/1.0.*PRE_BUILD" "the error names the script"
	like "$err" "may have 150 processes; max_processes in $etc/framework.conf" "the remedy names the setting"
	like "$(cat "$dkmstree/tree/1.0/build/$K-$arch/make.log" "$dkmstree/tree/1.0/$K/$arch/log/make.log" 2> /dev/null | grep -x "no more processes")" . "a tree of processes is limited"
	is "$(leftover_processes)" "" "no process is left"
	rm "$etc/framework.conf"
	module ask 1.0 "MAKE=\"grep -E '^Max (processes|core|open)' /proc/self/limits; make -C \$kernel_source_dir M=\$dkms_tree/ask/1.0/build\""
	dkms_exits 0 "build" build ask/1.0 -k $K
	is "$(limits_of ask)" "core 0 0, open $(lower "$(ulimit -Hn)" 4096), processes $(lower "$(ulimit -Hu)" 4096)" \
		"the limits by default"
	(ulimit -n 1000; ulimit -u 2000; dkms build ask/1.0 -k $K --force) > /dev/null
	is "$(limits_of ask)" "core 0 0, open 1000 1000, processes 2000 2000" "lower limits of dkms stay"
	echo 'max_processes=0' > "$etc/framework.conf"
	dkms build ask/1.0 -k $K --force > /dev/null
	like "$(limits_of ask)" "processes $(ulimit -Su) $(ulimit -Hu)" "0 means no limit"
	rm "$etc/framework.conf"
}

# Builds that use more memory than they may, while another build is not affected.
memory_limit()
{
	local name pid groups='find /sys/fs/cgroup -name dkms-*'

	machine
	kernel $K
	echo 'max_build_memory=128M' > "$etc/framework.conf"
	module good 1.0
	dkms_exits 0 "a build with a limit of its memory" install good/1.0 -k $K
	if [[ $err == *"max_build_memory does not limit builds"* ]]; then
		like "$err" "(no control groups of version 2 with memory|has a limit for dkms)" "dkms says that there is no limit, and why"
		rm "$etc/framework.conf"
		skip "there are no control groups of version 2 with memory" "limits of memory"
		return
	fi
	module large 1.0 'PRE_BUILD=pre.sh'
	write_script "$sourcetree/large-1.0/pre.sh" "perl -e '\$x = q(x) x (400 << 20); sleep 1'"
	module many 1.0 'PRE_BUILD=pre.sh'
	write_script "$sourcetree/many-1.0/pre.sh" 'for i in 1 2 3 4 5 6 7 8 9 10; do' \
		"perl -e '\$x = q(x) x (40 << 20); sleep 5' &" 'done' 'wait'
	module conf 1.0
	for name in large many conf; do
		dkms add $name/1.0 > /dev/null
	done
	echo "perl -e '\$x = q(x) x (400 << 20); sleep 1'" >> "$sourcetree/conf-1.0/dkms.conf"
	for name in large many; do
		run_dkms install $name/1.0 -k $K
		is "$status $(state $name 1.0 $K)" "1 added" "$name: a build that uses too much memory fails"
		like "$err" "all of the memory that max_build_memory in $etc/framework.conf permits" "$name: the error says why"
	done
	dkms_exits 8 "a dkms.conf that uses too much memory fails" install conf/1.0 -k $K
	like "$err" "dkms.conf needs more memory than max_build_memory" "the error says why"
	dkms_exits 0 "another build" install good/1.0 -k $K --force
	is "$($groups)" "" "no control group is left"
	module slow 1.0 'MAKE="sleep 1000"'
	set -m
	"$DKMS" install slow/1.0 -k $K "${trees[@]}" > "$work/out" 2>&1 < /dev/null &
	pid=$!
	set +m
	until_file "$dkmstree/slow/1.0/.job-$K-$arch/make.log"
	kill -KILL $pid
	wait $pid 2> /dev/null || true
	ok "kill -9 leaves a control group" test -n "$($groups)"
	leftover_processes > /dev/null
	dkms_exits 0 "the next build" install good/1.0 -k $K --force
	is "$($groups)" "" "it removes the group"
	rm "$etc/framework.conf"
}

few_descriptors()
{
	local n wrong='' none=0

	machine
	kernel $K
	module hello 1.0
	for n in {3..40}; do
		for command in "status" "install hello/1.0 -k $K" "autoinstall -k $K"; do
			status=0
			# shellcheck disable=SC2086
			(ulimit -c 0; ulimit -n "$n"; exec "$DKMS" $command "${trees[@]}") > "$work/out" 2>&1 < /dev/null || status=$?
			[ $status -lt 128 ] && [ $status -ne 0 ] || wrong+="$n $command: $status $(cat "$work/out")"$'\n'
			! grep -q "files can be open" "$work/out" || none=$((none + 1))
		done
	done
	is "$wrong" "" "with few descriptors dkms fails, and does not crash"
	ok "it says why ($none times)" test $none -gt 50
	is "$(state hello 1.0 $K)" absent "nothing is done halfway"
	status=0
	(ulimit -S -n 20; dkms install hello/1.0 -k $K) > "$work/out" 2>&1 || status=$?
	is "$status" 0 "a soft limit is raised"
}

few_descriptors
if private_etc; then
	log_limit
	time_limits
	not_halfway
	memory_limit
	if [ "$real_user" -eq 0 ]; then
		process_limit
	else
		skip "builds have no users of their own" "the limit of processes"
	fi
else
	skip "namespaces are not permitted" "the settings of limits"
fi
finish
