# shellcheck shell=bash disable=SC2154
# Measures an autoinstall with nothing to do, for a growing number of kernels.

run_idle() # PROGRAM
{
	case $1 in
	ours)
		# shellcheck disable=SC2046
		take ours "${program[ours]}" autoinstall $(k_options "${made_kernels[@]}") $(on "$dir")
		expect_lines 0 . ours
		;;
	*) take "$1" "$top/bench/lib/peer-autoinstall" "${program[$1]}" "$dir" "$work/config" \
		"${made_kernels[@]}" ;;
	esac
}

n=$(pick 30 30 2)
for n_kernels in $(pick "1 4 16" "1 4 16" "1 2 3"); do
	dir=$work/trees/idle
	row "idle-$n_kernels" "\`autoinstall\`, nothing to do: $n modules × $n_kernels kernels" \
		kernels "$n_kernels"
	make_installed "$dir" "$n" "$n_kernels"
	unrecorded run_idle ours
	case $n_kernels in
	1) compare run_idle "$(pick "ours=10 trixie=5 bookworm=3" "ours=5 trixie=3 bookworm=1" \
		"ours=1 trixie=1 bookworm=1")" ;;
	# The peers take seconds for each kernel, and about the same for every kernel, so one turn
	# is enough.
	*) compare run_idle "$(pick "ours=10 trixie=1" "ours=5 trixie=1" "ours=1 trixie=1")" ;;
	esac
	# shellcheck disable=SC2046
	count_instructions "${program[ours]}" autoinstall $(k_options "${made_kernels[@]}") $(on "$dir")
	end_row
done
