# shellcheck shell=bash disable=SC2154
# Measures what an empty cache costs: builds of this dkms that look for a module in the cache and store
# it there, and the same builds without a cache. The cache knows the digests of the headers already,
# since reading them once is enough for all modules. The difference between both is smaller than
# that between two runs, so the time of the cache's own phases is recorded as well.

dir=$work/trees/miss
cache=$work/trees/miss-cache

run_miss() # PROGRAM
{
	add_modules ours "$dir" "$kernel" "${wanted[@]}"
	if [ ${#wanted[@]} -eq 1 ]; then
		set -- "$1" "${program[ours]}" build "${wanted[0]}"
	else
		set -- "$1" "${program[ours]}" autoinstall --no-depmod
	fi
	# shellcheck disable=SC2046
	set -- "$@" -k "$kernel" --json $(on "$dir")
	case $1 in
	ours)
		discard "$cache"
		# shellcheck disable=SC2046
		"${program[ours]}" cache why "${wanted[0]}" -k "$kernel" --cache-dir "$cache" \
			$(on "$dir") > "$work/stdout" 2>&1
		take "$@" --cache-dir "$cache"
		expect_lines ${#wanted[@]} '"cache": "miss"' ours
		part "$work/stdout" cpu_s "to look for it and to keep it" fingerprint restore link store
		;;
	uncached) take "$@" --no-cache ;;
	esac
}

miss() # TURNS TITLE MODULE...
{
	local turns=$1

	[ "$turns" -gt 0 ] || return 0
	row "miss-${2// /-}" "$2 built, nothing found in the cache"
	wanted=("${@:3}")
	compare run_miss "ours=$turns uncached=$turns"
	end_row
}

small=$(module acpi-call)
miss "$(pick 9 3 1)" "${small%/*}" "$small"
large=$(module evdi || true)
miss "$(pick 5 1 0)" "${large%/*}" "$large"
miss "$(pick 3 0 0)" "${#modules[@]} modules" "${modules[@]}"
