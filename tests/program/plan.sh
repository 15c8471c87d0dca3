#!/bin/bash
# dkms plan, --plan with --shard, and dkms merge: the parts do all of a plan, none does what another one does, and
# what is missing is found.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

other=9.9-other
# Prints the cells of a plan, or the jobs of a run that install, each on a line.
cells() # FILE
{
	jq -r '(.cells // [.jobs[] | select(.kind == "install")])[] | "\(.module)/\(.version) \(.kernel)"' "$1" | sort
}

machine
kernel $K
kernel $other
for name in a b c d e; do
	add $name 1.0
done
add user 1.0 'BUILD_DEPENDS=a'
add bad 1.0 'MAKE="exit 3"'
dkms skip e -k $other > /dev/null

dkms_exits 0 "plan" plan -k $K -k $other --json
plan=$work/plan.json
cp "$work/out" "$plan"
is "$(jq -r .schema "$plan")" dkms-plan-1 "its schema"
is "$(jq '.cells | length' "$plan")" 13 "it has each module on each kernel, but what is kept off"
is "$(cells "$plan" | grep -c '^e/1.0')" 1 "which is one"
is "$(jq -r '.cells[] | select(.module == "user") | .needs[]' "$plan" | sort -u)" a "what a module needs"
is "$(jq -r --arg k $K '[.cells[] | select(.kernel == $k and (.module == "a" or .module == "user")) | .chain] | unique | length' "$plan")" 1 \
	"a module and what it needs are one chain"
is "$(jq -r '[.cells[] | .chain] | unique | length' "$plan")" 11 "the others have their own"
is "$(jq '[.cells[].cost_s > 0] | all' "$plan")" true "each has a cost"
is "$(state a 1.0 $K)" added "nothing was built"
dkms_exits 0 "plan of one module" plan b -k $K --json
is "$(cells "$work/out")" "b/1.0 $K" "it has that module only"
dkms_exits 0 "plan for people" plan -k $K
like "$out" "^a/1.0, $K, $arch: about [0-9.]+ s"$'\n' "a line for each job"
like "$out" "7 jobs, about " "and the sum"

for i in 1 2 3; do
	run_dkms autoinstall --plan "$plan" --shard $i/3 --json
	cp "$work/out" "$work/part$i.json"
	cells "$work/part$i.json" > "$work/part$i"
	is "$(jq -r '.plan | "\(.shard) of \(.shards), \(.id)"' "$work/part$i.json")" "$i of 3, $(jq -r .id "$plan")" "part $i: its document names the plan"
	is "$(jq -r '.plan.cells[] | "\(.module)/\(.version) \(.kernel)"' "$work/part$i.json" | sort)" "$(cat "$work/part$i")" "part $i: it did its cells"
	ok "part $i: it has some" test -s "$work/part$i"
done
is "$(sort "$work"/part[123])" "$(cells "$plan")" "the parts did each cell once"
is "$(state user 1.0 $other)" installed "a module with what it needs is installed"

dkms_exits 11 "merge: the worst status" merge "$work"/part?.json --json
cp "$work/out" "$work/all.json"
is "$(cells "$work/all.json")" "$(cells "$plan")" "merge: all jobs"
is "$(jq -r '"\(.schema) \(.gaps | length) \(.error)"' "$work/all.json")" "dkms-run-1 0 null" "merge: the schema of a run, and no gap"
dkms_exits 11 "merge for people" merge "$work"/part?.json --junit "$work/junit.xml" --html "$work/page.html"
like "$out" "^15 jobs: 13 done 2 failed" "merge: the counts"
like "$out" "bad/1.0 for $K, $arch: make exited 3" "merge: the failures"
is "$(python3 -c 'import sys, xml.etree.ElementTree as t
r = t.parse(sys.argv[1]).getroot()
print(len(r.findall(".//testcase")), len(r.findall(".//failure")))' "$work/junit.xml")" "15 2" "merge: JUnit's file"
ok "merge: the page" grep -q 'id="data"' "$work/page.html"
ok "merge: it has the end of the log of a build that failed elsewhere" grep -q 'exit 3' "$work/page.html"
echo "a secret" > "$work/secret"
jq --arg log "$work/secret" '(.jobs[] | select(.module == "bad")) += {log: $log, log_tail: null}' "$work/all.json" > "$work/hostile.json"
run_dkms merge "$work/hostile.json" --html "$work/hostile.html"
is "$(grep -c 'a secret' "$work/hostile.html")" 0 "merge: it reads no file that a document names"
run_dkms merge "$work"/part?.json --quiet --github
is "$(grep -c '^::error title=bad/1.0 for ' <<< "$out")" 2 "merge: annotations for GitHub"

jq 'del(.jobs[] | select(.module == "b")) | (.plan.cells[] | select(.module == "b") | .state) = "added"' "$work/part1.json" > "$work/part1.short"
jq 'del(.jobs[] | select(.module == "b")) | (.plan.cells[] | select(.module == "b") | .state) = "added"' "$work/part2.json" > "$work/part2.short"
jq 'del(.jobs[] | select(.module == "b")) | (.plan.cells[] | select(.module == "b") | .state) = "added"' "$work/part3.json" > "$work/part3.short"
run_dkms merge "$work"/part?.short
like "$err" "b/1.0 for $K, $arch was not done" "merge: a cell that nobody did"
run_dkms merge "$work/part1.json" "$work/part3.json"
like "$err" "part 2 of 3 is missing" "merge: a part that is missing"
jq '.status = 0' "$work/part1.json" > "$work/good.json"
dkms_exits 1 "merge: a gap is an error" merge "$work/good.json"
run_dkms autoinstall --plan "$plan" --shard 1/3 --json
cp "$work/out" "$work/again.json"
dkms_exits 11 "merge: a part that was done again" merge "$work"/part?.json "$work/again.json"
is "$err" "" "merge: it has no gaps"

# What is wrong with a file or with a part.
dkms_exits 2 "a part beyond the last" autoinstall --plan "$plan" --shard 4/3
like "$err" "there is no part 4 of 3" "it is said"
dkms_exits 2 "no part 0" autoinstall --plan "$plan" --shard 0/3
dkms_exits 2 "a part that is none" autoinstall --plan "$plan" --shard one
dkms_exits 2 "no engine" autoinstall --plan "$plan" --shard auto
like "$err" "no engine says which part" "it is said"
dkms_exits 2 "a part without a plan" autoinstall --shard 1/2
dkms_exits 2 "a kernel beside a plan" autoinstall --plan "$plan" -k $K
dkms_exits 2 "no file" autoinstall --plan "$work/none.json"
head -c 300 "$plan" > "$work/cut.json"
dkms_exits 2 "a plan that is cut" autoinstall --plan "$work/cut.json"
like "$err" "$work/cut.json is damaged" "the file is named"
sed 's/dkms-plan-1/dkms-plan-9/' "$plan" > "$work/new.json"
dkms_exits 2 "a plan of another version" autoinstall --plan "$work/new.json"
like "$err" "dkms-plan-9" "it is said"
jq '.cells[0].cost_s = 99' "$plan" > "$work/changed.json"
dkms_exits 2 "a plan that was changed" autoinstall --plan "$work/changed.json"
dkms_exits 2 "merge: no document" merge "$plan"
dkms_exits 2 "merge: a document that is cut" merge "$work/cut.json"
dkms_exits 2 "merge: nothing" merge
jq '.plan.id = "other"' "$work/part2.json" > "$work/foreign.json"
dkms_exits 2 "merge: another plan" merge "$work/part1.json" "$work/foreign.json"
like "$err" "$work/foreign.json is about another plan" "it is named"

# What engines say.
part() { jq -r '"\(.plan.shard)/\(.plan.shards)"'; }
is "$(SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=5 SLURM_ARRAY_TASK_COUNT=4 dkms autoinstall --plan "$plan" --shard auto --json | part)" 3/4 "Slurm"
is "$(SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_STEP=2 SLURM_ARRAY_TASK_COUNT=3 dkms autoinstall --plan "$plan" --shard auto --json | part)" 3/3 "Slurm, with steps"
is "$(CI_NODE_INDEX=2 CI_NODE_TOTAL=5 dkms autoinstall --plan "$plan" --shard auto --json | part)" 2/5 "GitLab"
is "$(JOB_COMPLETION_INDEX=0 dkms autoinstall --plan "$plan" --shard auto/4 --json | part)" 1/4 "Kubernetes"
finish
