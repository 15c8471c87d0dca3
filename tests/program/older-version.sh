#!/bin/bash
# autoinstall where the newest version of a package excludes a kernel: an older one that does not takes
# its place. On kernels of the fixture.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

C5=5.10.0-1-cloud-amd64
C6=6.1.0-9-amd64

# Prints the states of all versions of the package dev on a kernel.
states() # RELEASE
{
	local dir

	for dir in "$dkmstree"/dev/[0-9]*; do
		printf '%s %s\n' "${dir##*/}" "$(state dev "${dir##*/}" "$1")"
	done | paste -sd,
}

fits()
{
	machine
	kernel $K
	kernel $C5
	kernel $C6
	add dev 1.0
	add dev 2.0 'BUILD_EXCLUSIVE_KERNEL_MIN=5.0'
	add dev 10.0 'BUILD_EXCLUSIVE_KERNEL="^6"'
	add needs 1.0 'BUILD_DEPENDS=dev'
	dkms_exits 0 "autoinstall --dry-run" autoinstall -k $K --dry-run
	is "$(states $K)" "1.0 added,10.0 added,2.0 added" "it installs nothing"
	like "$out" "^dev/1.0 for $K: build, install" "and says which version would be"
	dkms_exits 0 "autoinstall on a kernel that two versions exclude" autoinstall -k $K
	is "$(states $K)" "1.0 installed,10.0 added,2.0 added" "the newest that fits is installed"
	like "$out" "^dkms: dev/1.0 for $K is chosen in place of 10.0, which is excluded: needs a kernel that matches" \
		"it says so"
	is "$(state needs 1.0 $K)" installed "so is what needs it"
	dkms_exits 0 "autoinstall again" autoinstall -k $K
	is "$out$err" "" "there is nothing to do"
	dkms_exits 0 "autoinstall again, with --explain" autoinstall -k $K --explain
	like "$out" "dev/1.0 for $K: nothing, installed; 10.0 is newer, but excluded" "it explains that"
	dkms_exits 0 "kernel_postinst of a kernel that one version excludes" kernel_postinst -k $C5
	is "$(states $C5)" "1.0 added,10.0 added,2.0 installed" "the newest that fits is installed"
	dkms_exits 0 "autoinstall on several kernels" autoinstall --all
	is "$(states $C6)" "1.0 added,10.0 installed,2.0 added" "the newest one where it fits"
	is "$(states $K) $(states $C5)" "1.0 installed,10.0 added,2.0 added 1.0 added,10.0 added,2.0 installed" \
		"the others stay"
	add dev 1.5
	dkms_exits 0 "autoinstall after a version was added that fits" autoinstall -k $K --json
	is "$(states $K)" "1.0 built,1.5 installed,10.0 added,2.0 added" "it replaces the older one"
	is "$(jq -r '.jobs[] | select(.kind == "install") | .version + " " + .result' "$work/out")" "1.5 done" \
		"--json has that job"
}

# What is no version to fall back to.
does_not_fit()
{
	machine
	kernel $K
	add dev 1.0 'AUTOINSTALL='
	add dev 2.0 'BUILD_EXCLUSIVE_KERNEL_MIN=5.0'
	dkms_exits 0 "the older version has no AUTOINSTALL" autoinstall -k $K
	is "$(states $K)" "1.0 added,2.0 added" "it is not installed"
	like "$out" "dev/2.0 for $K: skipped: needs kernel 5.0 or newer" "the newest is skipped"
	add dev 0.9 'BUILD_EXCLUSIVE_KERNEL_MAX=4.0'
	sed -i /AUTOINSTALL=$/d "$sourcetree/dev-1.0/dkms.conf"
	echo 'BUILD_EXCLUSIVE_ARCH=none' >> "$sourcetree/dev-1.0/dkms.conf"
	dkms_exits 0 "all versions exclude the kernel" autoinstall -k $K
	is "$(states $K)" "0.9 added,1.0 added,2.0 added" "none is installed"
	is "$(grep -c 'skipped' <<<"$out")" 1 "one line says so"
	add dev 0.8
	mv "$sourcetree/dev-0.9" "$sourcetree/aside"
	mkdir -p "$dkmstree/dev/0.8.5/build"
	rm "$sourcetree/dev-1.0/dkms.conf"
	dkms_exits 0 "the next ones are broken, have no dkms.conf, or are leftovers" autoinstall -k $K
	is "$(state dev 0.8 $K)" installed "the one after them is installed"
	add one 1.0
	add one 2.0 'AUTOINSTALL=' 'BUILD_EXCLUSIVE_KERNEL_MIN=5.0'
	dkms_exits 0 "the newest has no AUTOINSTALL" autoinstall -k $K
	is "$(state one 1.0 $K)" added "the older one is not installed either"
	add two 1.0
	add two 2.0 'BUILD_EXCLUSIVE_KERNEL_MIN=5.0'
	echo '#error "no such thing"' >> "$sourcetree/two-1.0/two.c"
	dkms_exits 11 "the older version fails" autoinstall -k $K
	like "$err" "two/1.0 for $K: FAILED" "that is a failure"
	like "$out" "two/1.0 for $K is chosen in place of 2.0" "that says why it was built"
	dkms_exits 77 "a version that is named is not replaced" install two/2.0 -k $K
}

fits
does_not_fit
finish
