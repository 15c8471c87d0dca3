# shellcheck shell=bash disable=SC2154
# Measures finding a module in the cache after something has changed that does not matter to its build,
# in all the circumstances of tests/lib/circumstances, and counts those in which it is found and the
# same as a build without the cache. Then measures what it costs to record what a build opens.

module=$(module acpi-call)
dir=$work/trees/circumstances
peer_dir=$work/trees/peer
cache=$work/trees/cache-dir
# shellcheck source=tests/lib/same-headers.sh
. "$top/tests/lib/same-headers.sh"
next=-
for kver in "${kernels[@]:1}"; do
	[ "$next" != - ] || ! same_headers "$root" "$kernel" "$kver" || next=$kver
done

# In the small sizes the other machine, which debootstrap makes, is used only if it is there.
machine=${root%/root}/machine
if [ "$mode" = full ] || [ -e "$machine/made" ]; then
	"$top/tests/lib/other-machine" "$machine" || say "  there is no other machine"
fi

row circumstances "${module%/*} again, something else has changed"
mapfile -t names < <("$top/tests/lib/circumstances" --list | sed 's/ .*//')
[ "$mode" != smallest ] || names=(again trees package transaction)
rm -f "$work/figures"
MEASURE=$build/bench/measure FIGURES=$work/figures DKMS_MACHINE=$machine/root \
	"$top/tests/lib/circumstances" "${program[ours]}" "$root" "$kernel" "$next" "$module" "$dir" \
	"${names[@]}" > "$work/said" 2> "$work/stderr" || { cat "$work/stderr" >&2; die "circumstances: failed"; }
sed 's/^/    /' "$work/said" >&2
# What is linked or built is not a lookup.
paste -d ' ' <(grep -v ' skipped \| failed ' "$work/said" | cut -d ' ' -f 2) "$work/figures" |
	sed -n 's/^hit {/{"program":"ours",/p' >> "$work/row"
awk '$2 != "skipped" { tried++; n += ($2 == "hit" || $2 == "linked") && $3 == "same" }
	END { printf "{\"circumstances\":{\"tried\":%d,\"same\":%d}}\n", tried, n }' "$work/said" >> "$work/row"
add_modules trixie "$peer_dir" "$kernel" "$module"
# shellcheck disable=SC2046
take trixie "${program[trixie]}" build "$module" -k "$kernel" $(on "$peer_dir") -j "$cores" \
	--kernelsourcedir "$(headers "$kernel")" --config "$work/config/$kernel"
end_row

# The same build, with the right to record what it opens and without, as in a container. The CPU time
# that is compared is that of make with all that it starts, where the kernel does its part, and that of
# dkms outside of the phases. ccache would make it depend on what it has.
run_traced() # PROGRAM
{
	local drop=()

	[ "$1" = ours ] || drop=("$top/bench/lib/without-sys-admin" "$root" "$dir")
	discard "$cache"
	add_modules ours "$dir" "$kernel" "$module"
	# shellcheck disable=SC2046
	CCACHE_DISABLE=1 take "$1" ${drop[@]+"${drop[@]}"} "${program[ours]}" build "$module" -k "$kernel" \
		--force --json --cache-dir "$cache" $(on "$dir")
	jq -c --arg program "$1" --slurpfile figures "$work/figures" '{recording: {program: $program, cpu_s:
		($figures[0].cpu_s - ([.jobs[].phases[] | select(.phase != "make").cpu_s] | add))}}' \
		"$work/stdout" >> "$work/row"
}

row recording "${module%/*} built, what it opens is recorded"
unrecorded run_traced ours
turns=$(pick 15 5 1)
compare run_traced "ours=$turns unrecorded=$turns"
end_row
