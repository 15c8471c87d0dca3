#!/bin/bash
# The BTF of a module is the same each time, with the real pahole and a kernel whose headers have a
# vmlinux. Four builds with as many threads as there are processors usually give two results.
# Run by make check; alone: DKMS=./dkms top_srcdir=. tests/integration/btf.sh
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

command -v apt-get >/dev/null || skip_all "kernels come from Debian's packages"
"$DKMS" --version > /dev/null
[ -n "$private" ] || skip_all "no mount namespace"
command -v pahole >/dev/null || skip_all "pahole is not installed"
if ! "$top_srcdir/tests/fetch-input" --kernels "6.12-$(dpkg --print-architecture):1" --modules acpi-call \
	> "$work/input" 2> "$work/input.log"; then
	skip_all "there are no headers of Linux 6.12: $(tail -n 1 "$work/input.log")"
fi
grep '^needs ' "$work/input" | grep -v ' pahole$' && skip_all "the kernel's compiler is not installed"
root=$(sed -n 's/^root //p' "$work/input")
K=$(sed -n 's/^kernel //p' "$work/input")
module=$(sed -n 's/^module //p' "$work/input")
[ -f "$root/lib/modules/$K/build/vmlinux" ] || skip_all "the headers have no vmlinux"

machine
trees=(--dkmstree "$dkmstree" --sourcetree "$root/usr/src" --installtree "$root/lib/modules" --no-cache)
dkms_exits 0 "add a module" add "$module"
for n in {1..6}; do
	dkms_exits 0 "build $n" build "$module" -k "$K" --force
	sha256sum < "$dkmstree/$module/$K/$arch/module/acpi_call.ko" >> "$work/digests"
done
like "$(readelf -SW "$dkmstree/$module/$K/$arch/module/acpi_call.ko")" '\.BTF ' "the module has BTF"
is "$(sort -u "$work/digests" | wc -l)" 1 "all builds have the same bytes"
finish
