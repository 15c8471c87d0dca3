# shellcheck shell=bash disable=SC2154
# Measures building a module for one kernel without a cache: a small module, and a large one.

run_cold() # PROGRAM
{
	dir=$work/trees/cold
	if [ "$1" = make ]; then
		discard "$dir"
		mkdir -p "$dir/$module"
		cp -R "$root/usr/src/${module/\//-}" "$dir/$module/build"
		MAKEFLAGS=-j$cores take make "$top/bench/lib/plain-make" "$dir" "$module" "$kernel" \
			"$(headers "$kernel")"
		return
	fi
	add_modules "$1" "$dir" "$kernel" "$module"
	# shellcheck disable=SC2046
	set -- "$1" "${program[$1]}" build "$module" -k "$kernel" -j "$cores" $(on "$dir")
	export KSRC # without it dahdi looks in /lib/modules
	KSRC=$(headers "$kernel")
	case $1 in
	ours)
		take "$@" --no-cache --json
		cp "$work/stdout" "$work/cold.json"
		;;
	*) take "$@" --kernelsourcedir "$KSRC" --config "$work/config/$kernel" ;;
	esac
}

for module in $(module acpi-call) $(pick "$dahdi" "$(module evdi || true)" ""); do
	row "cold-${module%/*}" "${module%/*} built, nothing cached"
	case $module in
	dahdi/*) compare run_cold "ours=1 make=1 trixie=1 bookworm=1" ;;
	evdi/*) compare run_cold "ours=1 make=1 trixie=1" ;;
	*) compare run_cold "$(pick "ours=5 make=5 trixie=5 bookworm=5" \
		"ours=2 make=2 trixie=2 bookworm=1" "ours=1 make=1 trixie=1 bookworm=1")" ;;
	esac
	bound_of_makes "$work/cold.json"
	end_row
done
