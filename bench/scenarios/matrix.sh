# shellcheck shell=bash disable=SC2154
# Measures building modules × kernels without a cache, and with the settings of a new installation: with an empty
# cache, which each build of the run fills for those after it. The timeline is drawn from the run without.

case $mode in
full)
	mapfile -t small < <(printf '%s\n' "${modules[@]}" | grep -vE '^(jool-dkms|dpdk-kmods)/')
	picked=("${kernels[@]:0:2}" "${kernels[@]: -1}")
	turns="ours=1 kept=1 trixie=1 bookworm=1 make=1 xargs=1"
	;;
*)
	mapfile -t small < <(printf '%s\n' "${modules[@]}" | grep -v '^evdi/')
	picked=("${kernels[@]:0:2}")
	turns="ours=1 kept=1 trixie=1 make=1 xargs=1"
	;;
esac
n=$((${#small[@]} * ${#picked[@]}))
dir=$work/trees/matrix
cache=$work/trees/matrix-cache

# Copies the source for each build without dkms, and writes a line for it to $work/builds.
copy_all()
{
	local kver module

	discard "$dir"
	for kver in "${picked[@]}"; do
		for module in "${small[@]}"; do
			mkdir -p "$dir/$kver/$module"
			cp -R "$root/usr/src/${module/\//-}" "$dir/$kver/$module/build"
			echo "$dir/$kver $module $kver $(headers "$kver")"
		done
	done > "$work/builds"
}

run_matrix() # PROGRAM
{
	local plain=$top/bench/lib/plain-make

	case $1 in
	make)
		copy_all
		# shellcheck disable=SC2016 # the inner shell expands the variables
		MAKEFLAGS=-j$cores take make bash -c '
			while read -r line; do "$0" $line < /dev/null || exit; done < "$1"' \
			"$plain" "$work/builds"
		return
		;;
	xargs)
		copy_all
		take xargs xargs -a "$work/builds" -P "$cores" -L 1 "$plain"
		return
		;;
	esac
	# This dkms is measured as "kept", too.
	add_modules "${1/kept/ours}" "$dir" "${picked[*]}" "${small[@]}"
	case $1 in
	kept)
		discard "$cache"
		# shellcheck disable=SC2046
		take kept "${program[ours]}" autoinstall $(k_options "${picked[@]}") --no-depmod \
			--cache-dir "$cache" --json $(on "$dir")
		;;
	ours)
		# shellcheck disable=SC2046
		take ours "${program[ours]}" autoinstall $(k_options "${picked[@]}") --no-cache \
			--no-depmod --json --trace "$out/timeline.json" $(on "$dir")
		cp "$work/stdout" "$work/matrix.json"
		;;
	*) take "$1" "$top/bench/lib/peer-autoinstall" "${program[$1]}" "$dir" "$work/config" \
		"${picked[@]}" ;;
	esac
	[ "$(count_installed "$dir")" -eq "$n" ] || die "matrix: $1 has not installed $n modules"
}

row matrix "${#small[@]} modules × ${#picked[@]} kernels built, nothing cached"
compare run_matrix "$turns"
bound_of_makes "$work/matrix.json"
# The programs took turns with both ways of this dkms, so the second row has the same runs of them.
kept=$(grep '"program":"kept"' "$work/row" | sed 's/"kept"/"ours"/')
peers=$(grep -E '"program":"(trixie|bookworm|make)"' "$work/row")
sed -i '/"program":"kept"/d' "$work/row"
end_row
row matrix-default "the same with the default settings: the cache is on, and empty"
printf '%s\n' "$kept" "$peers" >> "$work/row"
end_row
