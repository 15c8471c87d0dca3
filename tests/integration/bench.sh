#!/bin/bash
# Checks that the measurements work, not how fast anything is: each scenario runs once in its
# smallest size and gives all of its figures, and bench/compare finds what is slower.
# Run by make check; alone: top_srcdir=. top_builddir=. tests/integration/bench.sh
set -eu
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"

compare=$top_srcdir/bench/compare

# Writes a document like those of bench/run, with only the fields that bench/compare reads.
bench_document() # FILE INSTRUCTIONS PROCESSES CPU [WRITTEN]
{
	cat > "$work/$1.json" <<-END
		{"schema": "dkms-bench-1", "rows": [
			{"id": "status-30", "mode": "full", "programs": {"ours": {"instructions": $2,
				"processes": {"median": $3}, "cpu_s": {"median": $4},
				"written_bytes": {"median": ${5:-4096}}, "runs": []},
				"trixie": {"processes": {"median": 1000}}}},
			{"id": "status-$1", "mode": "full", "programs": {"ours": {"instructions": 5}}}]}
	END
}

run_document() # FILE VERSION CPU STATUS CACHE
{
	cat > "$work/$1.json" <<-END
		{"schema": "dkms-run-1", "jobs": [
			{"kind": "add", "module": "evdi", "version": "$2", "kernel": null, "status": 0},
			{"kind": "build", "module": "evdi", "version": "$2", "kernel": "6.1.0-1-amd64",
			 "status": $4, "built": true, "cache": $5, "linked_from": null, "cpu_s": $3,
			 "wall_s": 9, "max_rss_bytes": 5000000},
			{"kind": "build", "module": "bbswitch", "version": "1", "kernel": "6.1.0-1-amd64",
			 "status": 0, "built": true, "cache": null, "linked_from": null, "cpu_s": 2,
			 "wall_s": 9, "max_rss_bytes": 5000000}]}
	END
}

# Runs bench/compare and sets $said to its output.
compared() # STATUS DESCRIPTION ARGUMENT...
{
	local want=$1 description=$2 status=0

	shift 2
	said=$("$compare" "$@" 2>&1) || status=$?
	is "$status" "$want" "$description"
	[ "$status" = "$want" ] || note "$said"
}

if command -v jq > /dev/null; then
	bench_document old 1000 50 1
	bench_document new 1099 50 9
	compared 0 "9.9 % more instructions are not slower, nor is CPU time" "$work/old.json" "$work/new.json"
	like "$said" '^status-old: only in the old one$' "a row that is missing in the new document"
	like "$said" '^status-new: only in the new one$' "a row that is new"
	like "$said" '^3 compared, 0 slower by more than 10 %$' "the number of compared rows"
	bench_document new 1101 50 1
	compared 1 "10.1 % more are slower" "$work/old.json" "$work/new.json"
	like "$said" '^slower: status-30: instructions 1000 -> 1101, \+10.1 %$' "the slower row is named with its figures"
	compared 0 "but not with a limit of 11 %" "$work/old.json" "$work/new.json" --limit 11%
	bench_document new 1000 56 1
	compared 1 "more processes are slower" --limit=10 "$work/old.json" "$work/new.json"
	bench_document new 1000 50 1 69000
	compared 0 "some pages more are not slower" "$work/old.json" "$work/new.json"
	bench_document new 1000 50 1 70000
	compared 1 "more than 64 KiB are" "$work/old.json" "$work/new.json"
	bench_document new 800 50 1.2
	compared 0 "fewer instructions are faster" "$work/old.json" "$work/new.json"
	like "$said" '^faster: status-30: instructions 1000 -> 800, -20 %$' "a faster row is named with its figures"
	compared 1 "figures that were asked for count" "$work/old.json" "$work/new.json" --figures cpu_s
	compared 2 "a figure that is not there" "$work/old.json" "$work/new.json" --figures cpu
	compared 2 "a limit that is none" "$work/old.json" "$work/new.json" --limit ten

	run_document old 1.0 4.0 0 '"miss"'
	run_document new 1.1 4.3 0 '"miss"'
	compared 0 "dkms --json: 7.5 % more CPU time" "$work/old.json" "$work/new.json"
	like "$said" '^2 compared, 0 slower' "another version counts as the same module"
	compared 1 "and 7.5 % above a limit of 5 %" "$work/old.json" "$work/new.json" --limit 5%
	like "$said" '^slower: evdi for 6.1.0-1-amd64: cpu_s 4 s -> 4.3 s, \+7.5 %$' "the slower module is named"
	compared 1 "it got slower by any figure that was asked for" "$work/old.json" "$work/new.json" \
		--limit 5% --figures wall_s,cpu_s
	run_document new 1.1 0.01 0 '"hit"'
	compared 0 "what came from the cache is not compared" "$work/old.json" "$work/new.json"
	like "$said" '^evdi for .*: not compared: from the cache, measured$' "jobs from the cache are not compared"
	run_document new 1.1 1 10 null
	compared 1 "what no longer builds is slower" "$work/old.json" "$work/new.json"
	like "$said" '^slower: evdi for 6.1.0-1-amd64: failed$' "a failed job is named"

	bench_document new 1000 50 1
	compared 2 "two kinds of documents" "$work/old.json" "$work/new.json"
	like "$said" 'these are not two results' "a document of another kind is refused"
	echo '{"schema": "dkms-run-1", "jobs": []}' > "$work/none.json"
	compared 2 "nothing to compare" "$work/none.json" "$work/none.json"
	echo '{' > "$work/bad.json"
	compared 2 "no document" "$work/old.json" "$work/bad.json"
	compared 2 "one document" "$work/old.json"
	compared 0 "help" --help
else
	skip "jq is not installed" "compare"
fi

# The figures of ten thousand machines, and small fleets that can be counted.
simulation=$top_srcdir/bench/fleet-simulation
if command -v python3 > /dev/null && command -v jq > /dev/null; then
	"$simulation" --json --wait 0 > "$work/fleet.json"
	is "$(jq -c '.paper | [.entries, .requests, (.requests_per_s | map(round)), (.small_gb, .gb, .build_all_once_h,
		.all_miss_cpu_h | round), (.needed_cpu_h * 100 | round)]' "$work/fleet.json")" \
		'[30000,1050000,[24,292,17500],1,31,63,2083,21]' "10,000 machines on paper"
	is "$(jq -c '[.days[] | .mean_per_s | round]' "$work/fleet.json" | tr -d ' ')" "[24,292,17394]" \
		"the simulation comes to the same, but for machines that build by themselves"
	is "$(jq -c '.days | map(.builds_by_machines) | sort == . and .[0] > 0' "$work/fleet.json")" true \
		"the faster they come, the more build by themselves"
	printf '%s\n' '1.0 100' '1.0 300' > "$work/trace"
	"$simulation" --json --machines 2 --modules 3 --kernels 4 --large 0 --build-s 1 --workers 1 --trace "$work/trace" \
		> "$work/fleet.json"
	is "$(jq -c '[.paper.entries, .paper.small_gb * 1e9, .days[0].requests, .days[0].builds_by_machines, .days[2].wait_p99_s > 1]' \
		"$work/fleet.json")" "[12,2400,6,0,true]" "a fleet of two, with a server that takes a second for each answer"
	real='{"clients":50,"modules":10,"cores":2,"alone_cpu_s":0.2,'
	echo "$real\"requests\":500,\"wall_s\":6}" > "$work/real"
	exits 0 "real clients that are as the model says" "$simulation" --check "$work/real"
	echo "$real\"requests\":501,\"wall_s\":6}" > "$work/real"
	exits 1 "one request more" "$simulation" --check "$work/real"
	echo "$real\"requests\":500,\"wall_s\":11}" > "$work/real"
	exits 1 "more than double the time" "$simulation" --check "$work/real"
else
	skip "python3 or jq is not installed" "bench/fleet-simulation"
fi

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null || ! unshare --mount --pid --fork true 2> /dev/null; then
	skip "it needs root, namespaces and Debian's packages" "bench/run"
	finish
fi

# A build without sanitizers, which is kept for the next run. automake cannot build beside a source
# directory that is configured itself.
build=$(realpath "${top_builddir:?}")/bench-build
[ ! -e "$top_srcdir/config.status" ] || build=$(realpath "$top_srcdir")
out=$work/results
mkdir -p "$build"
run() { "$1/bench/run" "${@:2}" --smallest --build "$build" --out "$out"; }
all_of() { jq -r "$1" "$out/results.json"; }

ok "bench/run --smallest" run "$top_srcdir"
is "$(all_of .schema)" dkms-bench-1 "the results have their schema"
for field in .date .machine.cpu .machine.cores .machine.memory_bytes .machine.system .machine.kernel \
	'.kernels[0]' '.modules[0]' .versions.ours .versions.trixie .versions.bookworm .versions.make \
	.versions.gcc .versions.ccache .versions.bubblewrap '.rows[0].commit'
do
	ok "$field is there" jq -e "$field" "$out/results.json"
done
is "$(all_of '[.rows[] | .scenario] | unique | join(" ")')" \
	"$(cd "$top_srcdir/bench/scenarios" && printf '%s\n' *.sh | sed 's/\.sh$//' | paste -sd ' ')" \
	"each scenario has rows"
is "$(all_of '.rows[] | .id as $id | .programs | to_entries[] | .key as $program | .value |
	["wall_s", "cpu_s", "memory_bytes", "largest_bytes", "processes"][] as $figure |
	select((.[$figure].median // 0) <= 0 or .[$figure].min > .[$figure].median or
		.[$figure].max < .[$figure].median) | "\($id) \($program) \($figure)"')" "" \
	"each program of each row has all figures"
is "$(all_of '[.rows[] | select(.id | test("^(status|idle|jobs|store|restore)")) |
	select((.programs.ours.instructions // 0) < 100000) | .id] | join(" ")')" "" \
	"our own code's instructions are counted"
is "$(all_of '[.rows[] | select(.programs.trixie and (.faster_peer and .ratios[.faster_peer] > 0 | not)) | .id] |
	join(" ")')" "" "ratios against the faster peer"
is "$(all_of '[.rows[] | select(.series) | .series] | group_by(.) | map("\(.[0]) \(length)") | join(", ")')" \
	"cells 3, entries 3, get 3, jobs 3, kernels 3, put 3, verify 3" "growth is seen at three sizes"
is "$(all_of '[.rows[] | select(.bound) | .id] | join(" ")')" "cold-acpi-call matrix kernel-first" \
	"builds have a bound"
is "$(all_of '.rows[] | select(.part) | "\(.id) \(.part.seconds > 0)"' | paste -sd,)" \
	"restore true,miss-acpi-call true" "the time of the cache is a part of it"
is "$(all_of '.rows[] | select(.programs.uncached) | .id')" "miss-acpi-call" "a miss is compared with a build without the cache"
is "$(all_of '.rows[] | select(.circumstances) | .circumstances | "\(.tried) \(.same)"')" "4 4" \
	"a module is found in all circumstances"
is "$(all_of '.rows[] | select(.recording) | "\(.id) \(.recording > 0)"')" "recording true" \
	"a build is compared with one that is not recorded"
is "$(all_of '.rows[] | select(.id == "status-6") | .programs.trixie.processes.median > 6')" true \
	"the processes of a script are counted"
is "$(all_of '.rows[] | select(.simulated) | .simulated | "\(.requests) \(.real_requests) \(.real_wall_s > 0)"')" "10 10 true" \
	"clients send as many requests as the simulation expects"
is "$(all_of '[.rows[] | select(.programs.local) | .id] | join(" ")')" \
	"fleet-many fleet-latency-0 fleet-latency-20 fleet-latency-50" "a remote cache is compared with the local one"
is "$(wc -l < "$out/fleet-trace")" 10 "the requests of the clients are kept"
titles=$(all_of '.rows[] | .title' | sort)
is "$(sed -n 's/^| \([^|]*[^| ]\) | .*/\1/p' "$out/results.md" | grep -v '^---' | sort | uniq -c |
	sed -n 's/^ *2 //p')" "$titles" "both tables have all rows"
for plot in bars growth timeline; do
	like "$(head -c 4 "$out/$plot.png" 2>&1 | tr -d '\211')" '^PNG' "$plot.png"
	like "$(head -n 5 "$out/$plot.svg" 2>&1)" '<svg' "$plot.svg"
done
ok "a result compared with itself" "$compare" "$out/results.json" "$out/results.json"

# A copy of the source in which one scenario fails.
source=$work/source
mkdir "$source"
cp -R "$top_srcdir/"{bench,packaging,tests,configure,README.md} "$source/"
echo 'die "not today"' > "$source/bench/scenarios/jobs.sh"
exits 1 "a scenario fails" run "$source" --only jobs,idle --readme
is "$(all_of '[.rows[] | .scenario] | unique | join(" ")')" "cache change circumstances cold fleet idle matrix miss plan probes remote status store" \
	"the results of other scenarios are kept"
is "$(sed -n '/^<!-- bench\/run begin/,/^<!-- bench\/run end/p' "$source/README.md" | sed '1d;$d' |
	grep -v '^!')" "$(cat "$out/results.md")" "--readme writes the tables between its marks"
is "$(sed '/^<!-- bench\/run begin/,/^<!-- bench\/run end/d' "$source/README.md")" \
	"$(sed '/^<!-- bench\/run begin/,/^<!-- bench\/run end/d' "$top_srcdir/README.md")" \
	"the rest of the README is not changed"
is "$(sed -n 's/^!.*(\(.*\))/\1/p' "$source/README.md")" \
	"$(cd "$source" && printf '%s\n' bench/results/*.svg)" "the README shows the plots, which are kept"
ok "the results are kept" cmp "$source/bench/results/results.json" "$out/results.json"
exits 1 "an unknown scenario" run "$top_srcdir" --only nothing
exits 3 "the exit status of a measured command" "$build/bench/measure" "$work/figures" sh -c 'exit 3'
is "$(jq -r '.processes' "$work/figures")" 1 "one process"
"$build/bench/measure" "$work/figures" sh -c '(exit 3); (exit 4); dd if=/dev/zero of="$1" bs=64k count=16 2> /dev/null' \
	- "$build/written"
is "$(tail -n 1 "$work/figures" | jq -r '.processes')" 4 "four processes"
if [ "$(stat -f -c %T "$build")" = tmpfs ]; then
	skip "$build is on a tmpfs" "bytes written by a process that was started"
else
	ok "bytes written by a process that was started" \
		test "$(tail -n 1 "$work/figures" | jq -r '.written_bytes')" -ge 1048576
fi
rm -f "$build/written"
finish
