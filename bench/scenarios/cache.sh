# shellcheck shell=bash disable=SC2154
# Measures what the cache saves: builds all modules for one kernel after the other, then for all
# kernels again after the trees have been deleted, then one module. The peers always build, and are
# measured once for each kernel.

# shellcheck source=tests/lib/same-headers.sh
. "$top/tests/lib/same-headers.sh"

dir=$work/trees/cache
peer_dir=$work/trees/peer
cache=$work/trees/cache-dir
discard "$cache"

# Installs the modules with this dkms for the kernels. Keeps what is in the trees.
install_ours() # PROGRAM KERNEL...
{
	local name=$1

	shift
	# shellcheck disable=SC2046
	take "$name" "${program[ours]}" autoinstall $(k_options "$@") --no-depmod \
		--cache-dir "$cache" --json $(on "$dir")
	cp "$work/stdout" "$work/ours.json"
}

install_peer() # KERNEL
{
	take trixie "$top/bench/lib/peer-autoinstall" "${program[trixie]}" "$peer_dir" "$work/config" "$1"
	grep '"program":"trixie"' "$work/row" | tail -n 1 >> "$work/peer"
}

# Sets $same to the kernel that has the same headers as the first one, and $others to the other kernels.
same=
others=()
for kver in "${kernels[@]:1}"; do
	if [ -z "$same" ] && same_headers "$root" "$kernel" "$kver"; then
		same=$kver
	else
		others+=("$kver")
	fi
done

add_modules ours "$dir" "${kernels[*]}" "${modules[@]}"
add_modules trixie "$peer_dir" "${kernels[*]}" "${modules[@]}"
: > "$work/peer"

row kernel-first "${#modules[@]} modules for a kernel, an empty cache"
install_ours ours "$kernel"
install_peer "$kernel"
bound_of_makes "$work/ours.json"
first_figures=$(grep '"program":"ours"' "$work/row" | sed 's/"ours"/"first"/')
end_row

# Each row of a further kernel also has the figures of the first kernel, to compare with.
number=0
for kver in $same ${others[@]+"${others[@]}"}; do
	if [ "$kver" = "$same" ]; then
		row kernel-same "one more kernel, identical headers"
	else
		number=$((number + 1))
		row "kernel-other-$number" "one more kernel, $kver"
	fi
	install_ours ours "$kver"
	echo "$first_figures" >> "$work/row"
	install_peer "$kver"
	end_row
done
n=$(count_installed "$peer_dir")
[ "$(count_installed "$dir")" -eq "$n" ] || die "cache: trixie has installed $n modules, and ours has not installed as many"

# Installs everything again, in new trees, with the old cache. The peer has no cache, so its figures
# are the sum of its runs above.
run_warm() # PROGRAM
{
	case $1 in
	ours)
		add_modules ours "$dir" "${kernels[*]}" "${modules[@]}"
		install_ours ours "${kernels[@]}"
		[ "$(jq '[.jobs[] | select(.cache == "miss")] | length' "$work/ours.json")" -eq 0 ] ||
			die "cache: not every module came from the cache"
		;;
	copy)
		discard "$work/trees/copy"
		mkdir "$work/trees/copy"
		take copy cp -R "$dir/dkms" "$dir/lib" "$work/trees/copy"
		;;
	esac
}

row warm "${#modules[@]} modules × ${#kernels[@]} kernels again, trees wiped"
run=$(pick 5 3 1)
compare run_warm "ours=$run copy=$run"
jq -s -c '. as $runs | {program: "trixie"} +
	(["wall_s", "cpu_s", "processes", "written_bytes"] as $sums |
	 reduce $sums[] as $name ({}; .[$name] = ([$runs[][$name]] | add))) +
	{memory_bytes: (map(.memory_bytes) | max), largest_bytes: (map(.largest_bytes) | max)}' \
	"$work/peer" >> "$work/row"
end_row

# Builds one module, with this dkms and with a make whose compiler is ccache.
large=$(module evdi || module acpi-call)

run_restore() # PROGRAM
{
	case $1 in
	ours|trixie)
		add_modules "$1" "$dir" "$kernel" "$large"
		# shellcheck disable=SC2046
		set -- "$1" "${program[$1]}" build "$large" -k "$kernel" $(on "$dir")
		;;
	esac
	case $1 in
	ours)
		take "$@" --cache-dir "$cache" --json
		expect_lines 1 '"cache": "hit"' ours
		part "$work/stdout" wall_s "to find, check and copy what is kept" restore
		;;
	trixie) take "$@" -j "$cores" --kernelsourcedir "$(headers "$kernel")" \
		--config "$work/config/$kernel" ;;
	ccache) make_with_ccache "$large" ;;
	esac
}

row restore "${large%/*} again, trees wiped"
unrecorded make_with_ccache "$large"
unrecorded run_restore ours
compare run_restore "$(pick "ours=10 ccache=5 trixie=3" "ours=5 ccache=2 trixie=1" \
	"ours=1 ccache=1 trixie=1")"
# Valgrind adds variables to the environment, which is part of the key. So the first run under
# valgrind stores the module, and the second one restores it.
for way in under_valgrind count_instructions; do
	add_modules ours "$dir" "$kernel" "$large"
	# shellcheck disable=SC2046
	"$way" "${program[ours]}" build "$large" -k "$kernel" --cache-dir "$cache" $(on "$dir")
done
expect_lines 1 'from the cache' ours
end_row
