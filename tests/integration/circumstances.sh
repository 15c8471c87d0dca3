#!/bin/bash
# A real module is found in the cache whatever has changed that does not matter to its build: after an
# upgrade, a reboot, in other trees, on another machine, in a container. In each circumstance it is
# also built without the cache, with the same result byte for byte.
# Run by make check; alone: DKMS=./dkms top_srcdir=. tests/integration/circumstances.sh
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
# shellcheck source=tests/lib/same-headers.sh
. "${top_srcdir:?}/tests/lib/same-headers.sh"

command -v apt-get > /dev/null || skip_all "kernels and modules come from Debian's packages"
[ -n "$private" ] || skip_all "no mount namespace"
[ "$real_user" -eq 0 ] || skip_all "it needs root to trace builds"
fetch_input --kernels amd64:pair-1/amd64:1,amd64:pair-2/amd64:twin \
	--modules acpi-call
root=$(sed -n 's/^root //p' "$work/input")
mapfile -t kernels < <(sed -n 's/^kernel //p' "$work/input" | awk '!seen[$0]++')
module=$(sed -n 's/^module //p' "$work/input")
next=${kernels[1]}
same_headers "$root" "${kernels[@]}" || next=-
machine=${root%/root}/machine
if "$top_srcdir/tests/lib/other-machine" "$machine" 2> "$work/machine.log"; then
	export DKMS_MACHINE=$machine/root
else
	note "$(cat "$work/machine.log")"
fi

"$top_srcdir/tests/lib/circumstances" "$DKMS" "$root" "${kernels[0]}" "$next" "$module" "$work/circumstances" \
	> "$work/said" 2> "$work/errors" || true
[ ! -s "$work/errors" ] || note "$(cat "$work/errors")"
"$top_srcdir/tests/lib/circumstances" --list > "$work/list"
while read -r name title; do
	line=$(grep "^$name " "$work/said") || line="$name did not run"
	read -r _ found bytes _ why <<< "$line"
	if [ "$found" = skipped ]; then
		skip "$why" "$title"
		continue
	fi
	wanted=hit
	[ "$name" != next ] || wanted=linked
	is "$found" "$wanted" "$title: $wanted"
	[ "$found" = "$wanted" ] || note "$why"
	is "$bytes" same "$title: the same as a build without the cache"
done < "$work/list"
finish
