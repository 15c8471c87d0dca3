#!/bin/bash
# Something that decides what is deleted or replaced cannot be read. Then dkms must fail before it
# changes anything: only a missing file means that there is none.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

# Makes a machine with an installed module that has replaced one of the kernel.
start()
{
	machine
	kernel $K
	module hello 1.0
	kernel_module $K kernel/hello.ko 0.1 old
	dkms install hello/1.0 -k $K > /dev/null
	original=$dkmstree/hello/original_module/$K/$arch
}

# Checks that a command fails and changes nothing.
changes_nothing() # DESCRIPTION ARGUMENT...
{
	local description=$1 before

	shift
	before=$(snapshot "$dkmstree" "$installtree")
	run_dkms "$@"
	ok "$description: $1 fails" test "$status" -ne 0
	like "$err" "cannot (read|look at|compare|remove)" "$description: $1 says what cannot be read"
	is "$(snapshot "$dkmstree" "$installtree")" "$before" "$description: $1 changes nothing"
}

start
rm "$original/hello.ko.origin"
mkdir "$original/hello.ko.origin"
for command in "uninstall hello/1.0" "unbuild hello/1.0" "remove hello/1.0"; do
	# shellcheck disable=SC2086
	changes_nothing "the origin of the kernel's module" $command -k $K
done
rmdir "$original/hello.ko.origin"
echo "$installtree/$K/kernel/hello.ko" > "$original/hello.ko.origin"
dkms_exits 0 "when it can be read, uninstall completes" uninstall hello/1.0 -k $K
is "$(module_field version "$installtree/$K/kernel/hello.ko")" 0.1 "the kernel's module is back"

start
mv "$original" "$machine/saved"
touch "$original"
changes_nothing "the directory of the kernel's modules" uninstall hello/1.0 -k $K
rm "$original"
mv "$machine/saved" "$original"
dkms_exits 0 "when it can be read, remove completes" remove hello/1.0 -k $K
is "$(module_field version "$installtree/$K/kernel/hello.ko")" 0.1 "the kernel's module is back"

finish
