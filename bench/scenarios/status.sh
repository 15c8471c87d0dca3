# shellcheck shell=bash disable=SC2154
# Measures dkms status with a growing number of installed modules.

run_status() # PROGRAM
{
	# shellcheck disable=SC2046
	take "$1" "${program[$1]}" status $(on "$dir")
	expect_lines "$n" ', .*: installed$' "$1"
}

for shape in $(pick "30×1 30×10 100×10" "30×1 30×10 100×10" "2×1 2×2 2×3"); do
	n=$((${shape%×*} * ${shape#*×}))
	dir=$work/trees/status
	row "status-$n" "\`status\`, $n modules installed" entries "$n"
	make_installed "$dir" "${shape%×*}" "${shape#*×}"
	unrecorded run_status ours
	case $n in
	30) compare run_status "$(pick "ours=10 trixie=5 bookworm=3" "ours=5 trixie=2 bookworm=1" "")" ;;
	300) compare run_status "$(pick "ours=10 trixie=2" "ours=5" "")" ;;
	1000) compare run_status "$(pick "ours=10 trixie=1" "ours=5" "")" ;;
	*) compare run_status "ours=1 trixie=1 bookworm=1" ;;
	esac
	# shellcheck disable=SC2046
	count_instructions "${program[ours]}" status $(on "$dir")
	end_row
done
