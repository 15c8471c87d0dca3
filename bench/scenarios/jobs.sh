# shellcheck shell=bash disable=SC2154
# Measures the scheduler alone: plans with a growing number of jobs that do nothing, and processes
# that do nothing.

run_jobs() # PROGRAM
{
	take "$1" "$build/bench/scheduler" jobs "$n"
}

for n in $(pick "2500 10000 40000" "2500 10000 40000" "50 100 200"); do
	row "jobs-$n" "$n jobs that end at once" jobs "$n"
	compare run_jobs "ours=$(pick 5 3 1)"
	[ "$n" -gt 10000 ] || count_instructions "$build/bench/scheduler" jobs "$n"
	end_row
done

n=$(pick 2000 2000 20)

run_processes() # PROGRAM
{
	case $1 in
	ours) take ours "$build/bench/scheduler" processes "$n" "$cores" ;;
	xargs) take xargs xargs -a "$work/numbers" -P "$cores" -n 1 /bin/true ;;
	esac
}

seq "$n" > "$work/numbers"
row processes "$n processes that do nothing, $cores at a time"
compare run_processes "$(pick "ours=5 xargs=5" "ours=2 xargs=2" "ours=1 xargs=1")"
end_row
