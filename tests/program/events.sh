#!/bin/bash
# The events of a run as JSON lines, and its trace, on kernels of the fixture.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

# Every line of a file is one object, as far as braces tell.
lines_are_objects() { ! grep -vE '^\{.*\}$' "$1"; }

# The values of a key in the lines of a file that match, a word each.
values() # KEY PATTERN FILE
{
	grep -E "$2" "$3" | sed -nE "s/.*\"$1\":\"?([^\",}]*).*/\1/p" | sort | uniq -c | awk '{ print $2 "*" $1 }' | paste -sd' '
}

start()
{
	machine
	kernel $K
	kernel $K7
	module good 1.0
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
	ok "its lines are objects" lines_are_objects "$events"
	like "$(head -n 1 "$events")" '"event":"begin".*"schema":"dkms-events-1".*"command":"autoinstall"' "the first tells the schema"
	like "$(tail -n 1 "$events")" '"event":"end".*"status":11' "the last the exit status"
	is "$(values result '"job-ended".*"kind":"install"' "$events")" "blocked*2 done*2 failed*2" "each job ends once"
	is "$(values kernel '"event":"phase".*"phase":"make"' "$events")" "$K*2 $K7*2" "phases name the kernel"
	is "$(grep -c '"job-started".*"kind":"install"' "$events")" 4 "what is blocked never starts"
	like "$(grep '"result":"failed"' "$events")" "\"status\":10,\"failed_in\":\"make\",\"error\":\".*\"log\":\"$dkmstree/bad/1.0/build/" "a failure tells why and where its log is"
	like "$(grep '"result":"done"' "$events")" '"cpu_s":[0-9.]*[1-9].*"phases":\[\{"phase":".*"exit_status":0' "a success tells what its phases used"
	like "$out$err" "good/1.0" "plain lines go on"

	dkms_exits 0 "--events -" uninstall good/1.0 -k $K --events -
	ok "standard output is all objects" lines_are_objects "$work/out"
	dkms_exits 1 "a file that cannot be made" install good/1.0 -k $K --events "$work/none/events"
	like "$err" "$work/none/events: No such file" "is told"
	is "$(state good 1.0 $K)" built "and nothing is done"
}

trace()
{
	local trace=$work/trace

	start
	dkms_exits 11 "autoinstall --trace FILE" autoinstall -k $K -k $K7 -j 2 --trace "$trace"
	is "$(head -c 1 "$trace")$(tail -n 1 "$trace")" "[]" "it is an array"
	ok "of objects" lines_are_objects <(sed '1d;$d;s/,$//' "$trace")
	is "$(grep -o '"name":"slot [0-9]*"' "$trace" | sort)" $'"name":"slot 1"\n"name":"slot 2"' "a row for each slot"
	is "$(grep -c '"ph":"X","name":"make".*"ts":.*"dur":' "$trace")" 4 "phases are spans"
	is "$(grep -c '"ph":"X","name":"good/1.0 .*"cat":"install"' "$trace")" 2 "and so are jobs"
	if command -v python3 > /dev/null; then
		ok "it is JSON" python3 -m json.tool "$trace"
	else
		skip "no python3" "it is JSON"
	fi
	machine
	kernel $K
	dkms_exits 0 "a run of nothing" autoinstall -k $K --trace "$trace"
	is "$(cat "$trace")" "[]" "is an empty array"
}

# What a jq filter makes of the document that dkms printed.
result() { jq -r "$1" "$work/out" 2>&1; }

document()
{
	command -v jq > /dev/null || {
		skip "no jq" "--json"
		return
	}
	start
	dkms_exits 11 "compat 12: autoinstall --json" autoinstall -k $K --json
	is "$(result '"\(.schema) \(.command) \(.status) \(.error)"')" "dkms-run-1 autoinstall 11 null" "a document about the run"
	is "$(result '[.jobs[] | select(.kind == "install") | "\(.module)=\(.result)"] | sort | join(" ")')" "bad=failed good=done user=blocked" "and each job"
	is "$(result '.jobs[] | select(.kind == "install" and .module == "good") | "\(.built) \(.installed) \(.status) \(.kernel)"')" "true true 0 $K" "what it did"
	is "$(result '.jobs[] | select(.result == "failed") | "\(.status) \(.failed_in) \(.log)"')" "10 make $dkmstree/bad/1.0/build/$K-$arch/make.log" "why it failed"
	is "$(result '.jobs[] | select(.result == "blocked") | "\(.start_s) \(.phases | length)"')" "null 0" "what never ran has no time"
	is "$(result '[.jobs[].phases[] | .wall_s >= 0 and .start_s >= 0] | all')" true "times of each phase"
	like "$(result '[.jobs[] | select(.module == "good") | .phases[].phase] | join(" ")')" "conf.*copy make strip.*install" "in order"
	is "$(result '.jobs[] | select(.module == "good" and .kind == "install") | .phases[] | select(.phase == "make") | "\(.cpu_s > 0) \(.max_rss_bytes > 1000000) \(.exit_status)"')" "true true 0" "what make used, also below a sandbox"
	is "$(result '.jobs[] | select(.result == "failed") | .phases[] | select(.phase == "make") | .exit_status')" 2 "how a command exited"
	is "$(result '[.jobs[] | select(.kind == "install" and .start_s != null) | (.cpu_s - ([.phases[].cpu_s] | add) | fabs) < 0.001 and .max_rss_bytes == ([.phases[].max_rss_bytes // 0] | max)] | all')" true "a job has used what its phases have"
	is "$(result '[.jobs[].cache] | unique | map(tostring) | join(" ")')" null "the cache was not asked"
	trees=("${trees[@]/--no-cache/--cache-dir=$work/cache}")
	for m in miss hit; do
		dkms build good/1.0 -k $K7 --json > "$work/out"
		is "$(result '.jobs[] | select(.kind == "build") | .cache')" $m "a $m in the cache"
		dkms unbuild good/1.0 -k $K7 > /dev/null
	done
	dkms_exits 3 "--json of a command that cannot begin" unbuild none/1.0 -k $K --json
	is "$(result .status)" "$status" "is a document too"
	dkms_exits 2 "--json --events -" install good/1.0 -k $K --json --events -
}

events
trace
document
finish
