# shellcheck shell=bash disable=SC2154
# Measures building a small module that was never built before, with a memo of what the compiler answers to
# kbuild's questions, without one, and with plain make.

module=$(module acpi-call)
dir=$work/trees/probes
cache=$work/trees/probes-cache
memo_off=/etc/dkms/framework.conf.d/no-memo.conf
discard "$cache"
changes=0

# Makes the source one that was never built before.
change() # DIRECTORY
{
	local file

	changes=$((changes + 1))
	for file in "$1"/*.c; do
		echo "static const char changed[] __attribute__((used)) = \"version $changes\";" >> "$file"
	done
}

run_probes() # PROGRAM
{
	if [ "$1" = make ]; then
		discard "$dir"
		mkdir -p "$dir/$module"
		cp -R "$root/usr/src/${module/\//-}" "$dir/$module/build"
		change "$dir/$module/build"
		MAKEFLAGS=-j$cores take make "$top/bench/lib/plain-make" "$dir" "$module" "$kernel" \
			"$(headers "$kernel")"
		return
	fi
	add_modules ours "$dir" "$kernel" "$module"
	change "$dir/src/${module/\//-}"
	[ "$1" != asked ] || { mkdir -p "${memo_off%/*}" && echo 'compiler_memo=no' > "$memo_off"; }
	# shellcheck disable=SC2046
	take "$1" "${program[ours]}" build "$module" -k "$kernel" -j "$cores" --cache-dir "$cache" --json $(on "$dir")
	rm -f "$memo_off"
	expect_lines 1 '"cache": "miss"' "$1"
	expect_lines "${memos:-0}" '"phase": "probe"' "$1"
}

row probes "${module%/*} built for the first time, the compiler's answers known"
# The second build makes the memo.
unrecorded run_probes ours
memos=1
unrecorded run_probes ours
memos=0
compare run_probes "$(pick "ours=7 asked=7 make=7" "ours=3 asked=3 make=3" "ours=1 asked=1 make=1")"
end_row
