# shellcheck shell=bash disable=SC2154
# Measures how long it takes to find out what is to be done: a dry run of autoinstall for a growing
# number of modules and kernels, of which none is built. Three of four modules have a dkms.conf that
# is a plain list of assignments, as in Debian; one asks for the version of the kernel.

run_plan() # PROGRAM
{
	# shellcheck disable=SC2046
	take "$1" "${program[$1]}" autoinstall --all --dry-run $(on "$dir")
	expect_lines $((n_modules * n_kernels)) ': build, install$' "$1"
}

# Makes trees with modules and kernels. Every SHARE-th module needs bash; 0: none does.
make_planned() # DIR MODULES KERNELS SHARE
{
	local i k name

	new_trees "$1"
	for ((k = 1; k <= $3; k++)); do
		mkdir "$1/lib/modules/${kernel%%-*}-$k-bench"
		ln -s "$(headers "$kernel")" "$1/lib/modules/${kernel%%-*}-$k-bench/build"
	done
	for ((i = 0; i < $2; i++)); do
		name=play$i
		add_played "$1" "$name"
		: > "$1/src/$name-1.0/Makefile"
		[ "$4" -eq 0 ] || [ $((i % $4)) -ne 0 ] ||
			echo '[[ $kernelver != 2.* ]] || BUILD_EXCLUSIVE_ARCH=none' \
				>> "$1/src/$name-1.0/dkms.conf"
	done
}

# The first number is that of modules, the second that of kernels.
for shape in $(pick "10×3 30×10 100×30 100×300" "10×3 30×10 100×30" "2×1 2×2 2×3"); do
	n_modules=${shape%×*}
	n_kernels=${shape#*×}
	dir=$work/trees/plan
	row "plan-$((n_modules * n_kernels))" \
		"dry run of \`autoinstall\`: $n_modules modules × $n_kernels kernels, plain dkms.conf files" \
		cells $((n_modules * n_kernels))
	make_planned "$dir" "$n_modules" "$n_kernels" 0
	unrecorded run_plan ours
	compare run_plan "$(pick "ours=5" "ours=3" "ours=1")"
	end_row
done

n_modules=$(pick 28 28 4)
n_kernels=$(pick 10 10 2)
row "plan-mixed" "dry run of \`autoinstall\`: $n_modules modules × $n_kernels kernels, of which a quarter needs bash"
make_planned "$dir" "$n_modules" "$n_kernels" 4
compare run_plan "$(pick "ours=5" "ours=3" "ours=1")"
end_row
