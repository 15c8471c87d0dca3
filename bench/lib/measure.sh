# shellcheck shell=bash disable=SC2154
# Rows of results: programs that do the same in turns, each run of each measured. A scenario says
# row, then compare, bound and count_instructions, then end_row, for each of its rows.

begin_scenario() # NAME
{
	local i

	scenario=$1
	for i in "${!all[@]}"; do
		[ "${all[i]}" != "$1" ] || scenario_number=$(printf %02d "$i")
	done
	rm -f "$out/rows/$scenario_number-"*
	row_number=10
}

# SERIES and SIZE make a growth curve of rows.
row() # ID TITLE [SERIES SIZE]
{
	row_id=$1
	row_number=$((row_number + 1))
	jq -n -c --arg id "$1" --arg title "$2" --arg scenario "$scenario" --arg mode "$mode" \
		--arg series "${3:-}" --arg size "${4:-}" --arg commit "$commit" \
		'{row: ({$id, $title, $scenario, $mode, $commit} + if $series == "" then {} else
			{$series, size: ($size | tonumber)} end)}' > "$work/row"
	say "  $2"
}

# Runs a command once as PROGRAM and adds its figures to the row. Its output is in $work/stdout and
# $work/stderr; its failure ends the scenario.
take() # PROGRAM COMMAND...
{
	local program=$1

	shift
	rm -f "$work/figures"
	"$build/bench/measure" "$work/figures" "$@" > "$work/stdout" 2> "$work/stderr" < /dev/null || {
		tail -n 30 "$work/stdout" "$work/stderr" >&2
		die "$scenario: failed: $*"
	}
	sed "s/^{/{\"program\":\"$program\",/" "$work/figures" >> "$work/row"
	say "    $program $(jq -r '"\(.wall_s) s, CPU \(.cpu_s) s"' "$work/figures")"
}

# Has each program take its turns: FUNCTION PROGRAM is called.
compare() # FUNCTION "PROGRAM=TURNS..."
{
	local function=$1 entry turn=0 went=yes

	while [ -n "$went" ]; do
		went=
		turn=$((turn + 1))
		for entry in $2; do
			[ "$turn" -le "${entry#*=}" ] || continue
			"$function" "${entry%=*}"
			went=yes
		done
	done
}

# Runs it once without a trace in the row: the first turn is to be like the others.
unrecorded() # FUNCTION ARGUMENT...
{
	cp "$work/row" "$work/row.before"
	"$@"
	mv "$work/row.before" "$work/row"
}

# No program can be faster than that.
bound() # SECONDS WHAT
{
	jq -n -c --argjson seconds "$1" --arg what "$2" '{bound: {$seconds, $what}}' >> "$work/row"
}

# What phases took, by wall_s or cpu_s, of a run of ours that printed DOCUMENT; may be said for each run.
part() # DOCUMENT FIGURE WHAT PHASE...
{
	jq -c --arg figure "$2" --arg what "$3" '{part: {$figure, $what, seconds: ([.jobs[].phases[] |
		select(.phase as $phase | $ARGS.positional | index($phase))[$figure]] | add)}}' \
		"$1" --args "${@:4}" >> "$work/row"
}

# What the makes took that a run of ours says in its JSON, on all cores.
bound_of_makes() # DOCUMENT
{
	bound "$(jq --argjson cores "$cores" \
		'[.jobs[].phases[] | select(.phase == "make").cpu_s] | add / $cores' "$1")" \
		"the CPU time of its makes over $cores cores"
}

below_valgrind() # COMMAND...
{
	valgrind --tool=callgrind --callgrind-out-file="$out/profiles/$row_id" \
		--log-file="$work/valgrind" "$@" > "$work/stdout" 2> "$work/stderr" < /dev/null || {
		tail -n 30 "$work/valgrind" "$work/stderr" >&2
		die "$scenario: failed below valgrind: $*"
	}
}

# Runs a command of ours once more and adds the instructions that it needs, those of the processes
# it starts not counted. The profile is kept for callgrind_annotate.
count_instructions() # COMMAND...
{
	local n

	below_valgrind "$@"
	n=$(sed -n 's/.*Collected : \([0-9]*\)$/\1/p' "$work/valgrind")
	echo "{\"program\":\"ours\",\"instructions\":$n}" >> "$work/row"
	say "    ours $n instructions"
}

end_row()
{
	jq -s -f "$top/bench/lib/row.jq" "$work/row" > "$work/row.json"
	mv "$work/row.json" "$out/rows/$scenario_number-$row_number-$row_id.json"
}

# The last output must have N lines of a kind: everybody did the same.
expect_lines() # N REGEX PROGRAM
{
	local n

	n=$(grep -c -- "$2" "$work/stdout") || true
	[ "$n" -eq "$1" ] || {
		head -n 10 "$work/stdout" "$work/stderr" >&2
		die "$scenario: $3 says $n times $2, not $1"
	}
}
