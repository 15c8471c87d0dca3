#!/bin/bash
# The events of a run as JSON lines, and its trace, on kernels of the fixture.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

# Checks that every line of a file looks like an object in braces.
lines_are_objects() { ! grep -vE '^\{.*\}$' "$1"; }

# Prints the values of a key in the matching lines of a file, with counts.
values() # KEY PATTERN FILE
{
	grep -E "$2" "$3" | sed -nE "s/.*\"$1\":\"?([^\",}]*).*/\1/p" | sort | uniq -c | awk '{ print $2 "*" $1 }' | paste -sd' '
}

start()
{
	machine
	kernel $K
	kernel $K7
	# With a command in its dkms.conf, bash is needed to read it.
	module good 1.0 :
	module bad 1.0
	echo '#error "no such thing"' >> "$sourcetree/bad-1.0/bad.c"
	module user 1.0 'BUILD_DEPENDS=bad'
	for m in good bad user; do
		dkms add $m/1.0 > /dev/null
	done
}

events()
{
	local events=$work/events

	start
	dkms_exits 11 "autoinstall --events FILE" autoinstall -k $K -k $K7 --events "$events"
	ok "every line is an object" lines_are_objects "$events"
	like "$(head -n 1 "$events")" '"event":"begin".*"schema":"dkms-events-1".*"command":"autoinstall"' "the first event has the schema"
	like "$(tail -n 1 "$events")" '"event":"end".*"status":11' "the last event has the exit status"
	is "$(values result '"job-ended".*"kind":"install"' "$events")" "blocked*2 done*2 failed*2" "each job ends once"
	is "$(values kernel '"event":"phase".*"phase":"make"' "$events")" "$K*2 $K7*2" "phases name the kernel"
	is "$(grep -c '"job-started".*"kind":"install"' "$events")" 4 "a blocked job never starts"
	like "$(grep '"result":"failed"' "$events")" "\"status\":10,\"failed_in\":\"make\",\"error\":\".*\"log\":\"$dkmstree/bad/1.0/build/" "a failure has its cause and the path of its log"
	like "$(grep '"result":"done"' "$events")" '"cpu_s":[0-9.]*[1-9].*"phases":\[\{"phase":".*"exit_status":0' "a success has the times of its phases"
	like "$out$err" "good/1.0" "plain lines are still printed"

	dkms_exits 0 "--events -" uninstall good/1.0 -k $K --events -
	ok "standard output has only objects" lines_are_objects "$work/out"
	dkms_exits 1 "a file that cannot be created" install good/1.0 -k $K --events "$work/none/events"
	like "$err" "$work/none/events: No such file" "the error names the file"
	is "$(state good 1.0 $K)" built "no job runs"
}

trace()
{
	local trace=$work/trace

	start
	dkms_exits 11 "autoinstall --trace FILE" autoinstall -k $K -k $K7 -j 2 --trace "$trace"
	is "$(head -c 1 "$trace")$(tail -n 1 "$trace")" "[]" "the trace is an array"
	ok "its elements are objects" lines_are_objects <(sed '1d;$d;s/,$//' "$trace")
	is "$(grep -o '"name":"slot [0-9]*"' "$trace" | sort)" $'"name":"slot 1"\n"name":"slot 2"' "a row for each slot"
	is "$(grep -c '"ph":"X","name":"make".*"ts":.*"dur":' "$trace")" 4 "phases are spans"
	is "$(grep -c '"ph":"X","name":"good/1.0 .*"cat":"install"' "$trace")" 2 "jobs are spans"
	if command -v python3 > /dev/null; then
		ok "the trace is valid JSON" python3 -m json.tool "$trace"
	else
		skip "no python3" "it is JSON"
	fi
	machine
	kernel $K
	dkms_exits 0 "a run without jobs" autoinstall -k $K --trace "$trace"
	is "$(cat "$trace")" "[]" "its trace is an empty array"
}

# Prints the result of a jq filter for the output of dkms.
result() { jq -r "$1" "$work/out" 2>&1; }

document()
{
	command -v jq > /dev/null || {
		skip "no jq" "--json"
		return
	}
	start
	dkms_exits 11 "compat 12: autoinstall --json" autoinstall -k $K --json
	is "$(result '"\(.schema) \(.command) \(.status) \(.error)"')" "dkms-run-1 autoinstall 11 null" "the document has the schema, the command and the status"
	is "$(result '[.jobs[] | select(.kind == "install") | "\(.module)=\(.result)"] | sort | join(" ")')" "bad=failed good=done user=blocked" "it has each job"
	is "$(result '.jobs[] | select(.kind == "install" and .module == "good") | "\(.built) \(.installed) \(.status) \(.kernel)"')" "true true 0 $K" "it has the result of a job"
	is "$(result '.jobs[] | select(.result == "failed") | "\(.status) \(.failed_in) \(.log)"')" "10 make $dkmstree/bad/1.0/build/$K-$arch/make.log" "it has the cause of a failure"
	is "$(result '.jobs[] | select(.result == "blocked") | "\(.start_s) \(.phases | length)"')" "null 0" "a job that never ran has no times"
	is "$(result '[.jobs[].phases[] | .wall_s >= 0 and .start_s >= 0] | all')" true "it has the times of each phase"
	like "$(result '[.jobs[] | select(.module == "good") | .phases[].phase] | join(" ")')" "conf.*copy make strip.*install" "phases are in order"
	is "$(result '.jobs[] | select(.module == "good" and .kind == "install") | .phases[] | select(.phase == "make") | "\(.cpu_s > 0) \(.max_rss_bytes > 1000000) \(.exit_status)"')" "true true 0" "it has the CPU time and memory of make in the sandbox"
	is "$(result '.jobs[] | select(.result == "failed") | .phases[] | select(.phase == "make") | .exit_status')" 2 "it has the exit status of a command"
	is "$(result '[.jobs[] | select(.kind == "install" and .start_s != null) | (.cpu_s - ([.phases[].cpu_s] | add) | fabs) < 0.001 and .max_rss_bytes == ([.phases[].max_rss_bytes // 0] | max)] | all')" true "the numbers of a job are those of its phases"
	is "$(result '[.jobs[].cache] | unique | map(tostring) | join(" ")')" null "the cache was not used"
	trees=("${trees[@]/--no-cache/--cache-dir=$work/cache}")
	for m in miss hit; do
		dkms build good/1.0 -k $K7 --json > "$work/out"
		is "$(result '.jobs[] | select(.kind == "build") | .cache')" $m "it has the $m in the cache"
		dkms unbuild good/1.0 -k $K7 > /dev/null
	done
	dkms_exits 3 "--json of a command with a wrong argument" unbuild none/1.0 -k $K --json
	is "$(result .status)" "$status" "its output is a document as well"
	dkms_exits 2 "--json --events -" install good/1.0 -k $K --json --events -
}

events
trace
document
finish
