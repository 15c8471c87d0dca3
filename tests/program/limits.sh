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
	module large 1.0 "MAKE=\"head -c 5M /dev/zero | tr '\\\\0' x; head -c 200M /dev/zero > object; make -C \$kernel_source_dir M=\$dkms_tree/large/1.0/build\""
	echo 'max_log=10M' > "$etc/framework.conf"
	for log in loud hush large; do
		dkms add $log/1.0 > /dev/null
	done
	run_dkms autoinstall -k $K
	is "$(state loud 1.0 $K) $(state hush 1.0 $K) $(state large 1.0 $K)" "added added installed" \
		"what writes too much to its log fails; large files and a log below the limit do not matter"
	like "$out$err" "loud.* wrote more than 10 MiB to its log" "the error says why"
	for log in loud hush; do
		log=$(echo "$dkmstree/$log/1.0/build/$K-$arch/make.log")
		ok "the log is cut at the limit" test "$(stat -c %s "$log")" -lt 12000000
		like "$(tail -c 2000 "$log")" "the log is cut off here" "the log says so"
	done
	# A command can make its log longer without writing, as the last thing that it does.
	module long 1.0 "POST_BUILD=long.sh"
	write_script "$sourcetree/long-1.0/long.sh" "perl -e 'truncate(STDOUT, 1 << 40)'"
	dkms_exits 1 "a log of 1 TiB without content" build long/1.0 -k $K
	like "$err" "wrote more than 10 MiB to its log" "a log of 1 TiB without content: the error says so"
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
else
	skip "namespaces are not permitted" "the settings of limits"
fi
finish
