# shellcheck shell=bash disable=SC2154
# Makes the rows of the results. In a row, several programs take turns doing the same, and each run
# is measured. For each row a scenario calls row, then compare, bound, part and count_instructions
# as needed, then end_row.

# Removes the old rows of the scenario.
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

# Begins a row. The rows of one SERIES become a growth curve, with SIZE on the x axis.
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

# Runs a command once and adds its figures to the row, as those of PROGRAM. The output of the command is
# in $work/stdout and $work/stderr. If it fails, the scenario ends.
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

# Calls FUNCTION PROGRAM for each turn of each program; the programs take turns.
compare() # FUNCTION "PROGRAM=TURNS..."
{
	local function=$1 entry turn=0 called=yes

	while [ -n "$called" ]; do
		called=
		turn=$((turn + 1))
		for entry in $2; do
			[ "$turn" -le "${entry#*=}" ] || continue
			"$function" "${entry%=*}"
			called=yes
		done
	done
}

# Calls a function without adding to the row, so that the first measured turn does not differ from
# others, for example because files are read into the page cache.
unrecorded() # FUNCTION ARGUMENT...
{
	cp "$work/row" "$work/row.before"
	"$@"
	mv "$work/row.before" "$work/row"
}

# Sets a time that no program can beat; WHAT says why.
bound() # SECONDS WHAT
{
	jq -n -c --argjson seconds "$1" --arg what "$2" '{bound: {$seconds, $what}}' >> "$work/row"
}

# Adds up what some phases of a run of this dkms took. DOCUMENT is what it printed with --json;
# FIGURE is wall_s or cpu_s. It may be called for each run.
part() # DOCUMENT FIGURE WHAT PHASE...
{
	jq -c --arg figure "$2" --arg what "$3" '{part: {$figure, $what, seconds: ([.jobs[].phases[] |
		select(.phase as $phase | $ARGS.positional | index($phase))[$figure]] | add)}}' \
		"$1" --args "${@:4}" >> "$work/row"
}

# Sets the bound of a row to the CPU time of the makes, divided by the number of cores. DOCUMENT is
# what a run of this dkms printed with --json.
bound_of_makes() # DOCUMENT
{
	bound "$(jq --argjson cores "$cores" \
		'[.jobs[].phases[] | select(.phase == "make").cpu_s] | add / $cores' "$1")" \
		"the CPU time of its makes over $cores cores"
}

# Runs a command under callgrind, without adding to the row.
under_valgrind() # COMMAND...
{
	valgrind --tool=callgrind --callgrind-out-file="$out/profiles/$row_id" \
		--log-file="$work/valgrind" "$@" > "$work/stdout" 2> "$work/stderr" < /dev/null || {
		tail -n 30 "$work/valgrind" "$work/stderr" >&2
		die "$scenario: failed under valgrind: $*"
	}
}

# Runs a command of this dkms once more and adds the number of its instructions, without those of
# its child processes, to the row. The profile is kept for callgrind_annotate.
count_instructions() # COMMAND...
{
	local n

	under_valgrind "$@"
	n=$(sed -n 's/.*Collected : \([0-9]*\)$/\1/p' "$work/valgrind")
	echo "{\"program\":\"ours\",\"instructions\":$n}" >> "$work/row"
	say "    ours $n instructions"
}

# Makes the row from the lines that were added to it.
end_row()
{
	jq -s -f "$top/bench/lib/row.jq" "$work/row" > "$work/row.json"
	mv "$work/row.json" "$out/rows/$scenario_number-$row_number-$row_id.json"
}

# Checks that the last output has N lines that match REGEX, so that all programs did the same.
expect_lines() # N REGEX PROGRAM
{
	local n

	n=$(grep -c -- "$2" "$work/stdout") || true
	[ "$n" -eq "$1" ] || {
		head -n 10 "$work/stdout" "$work/stderr" >&2
		die "$scenario: the output of $3 has $n lines with $2, not $1"
	}
}
