#!/bin/bash
# Adds each package of tests/corpus, whose dkms.conf files are as people write them. Then builds and
# installs it, where its make command is the default, on a kernel of the fixture. The wanted results
# are those that tests/unit/test-conf.c compares.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

machine
K=6.1.0-56-amd64
kernel $K
printf 'CONFIG_%s\n' ACPI=y DRM=m USB=m NR_CPUS=64 | tee -a "$installtree/$K/build/.config" \
	>> "$installtree/$K/build/include/config/auto.conf"
added=0
installed=0

# Reads the wanted modules: built, which are paths without .ko, and files, which are installed.
read_want() # FILE
{
	built=()
	files=()
	while read -r built_name target; do
		built+=("${built_name#./}")
		files+=("${target##*/}.ko")
	done < <(sed -n 's/^module \(.*\) -> \([^ :]*\).*/\1 \2/p' "$1")
}

# Puts the package into the source tree, with C files for its modules.
place() # NAME
{
	local dir=$sourcetree/$1-1.0 name

	mkdir -p "$dir"
	cp -R "$top_srcdir/tests/corpus/$1/." "$dir"
	chmod -R u+w,a+rX "$dir"
	rm "$dir/want"
	write_sources "$dir" 1.0
	for name in "${built[@]}"; do
		mkdir -p "$dir/$(dirname "$name")"
		echo 'MODULE_VERSION("1.0");' > "$dir/$name.c"
	done
	printf 'obj-m :=%s\n' "$(printf ' %s.o' "${built[@]}")" > "$dir/Makefile"
}

try_install() # NAME
{
	local want=$top_srcdir/tests/corpus/$1/want status=0

	! grep -q '^excluded' "$want" || status=77
	dkms_exits $status "$1: install" install "$1/1.0" -k $K --force
	[ $status -eq 0 ] || return 0
	is "$(cd "$installtree/$K/$dest" && ls)" "$(printf '%s\n' "${files[@]}" | LC_ALL=C sort)" "$1: its modules"
	installed=$((installed + 1))
}

for dir in "$top_srcdir"/tests/corpus/*/; do
	name=$(basename "$dir")
	want=$dir/want
	read_want "$want"
	place "$name"
	if grep -q '^status 8' "$want"; then
		dkms_exits 8 "$name: add" add "$sourcetree/$name-1.0"
		like "$err" "$name-1\.0/dkms\.conf: " "$name: the error names the file"
		continue
	fi
	dkms_exits 0 "$name: add" add "$name/1.0"
	added=$((added + 1))
	if grep -qE "^make \[make -C HEADERS M=/tree/$name/1.0/build\]" "$want" && ! grep -q '^patch' "$want"; then
		try_install "$name"
	fi
	dkms_exits 0 "$name: remove" remove "$name/1.0" --all
done
ok "most are added ($added)" test $added -ge 50
ok "most are installed ($installed)" test $installed -ge 30
finish
