#!/bin/bash
# make(1) takes what a source brings along as it is, unless it is older than what it is made of. So a
# build from the cache must be of a source with the same order of times, not only with the same bytes.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

private_etc || skip_all "needs namespaces"
# The project may be in a directory that a sandbox hides.
cp "${DKMS:?}" "$work/bin/dkms"
DKMS=$work/bin/dkms
machine
kernel $K
trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree" --cache-dir "$work/cache")
source=$sourcetree/mod-1.0

# Makes a source that brings FILE along, which is made of mod.c and older than that.
stale() # FILE MAKEFILE-LINE...
{
	rm -rf "$source"
	module mod 1.0 'MAKE="make all"'
	printf '%b\n' "${@:2}" > "$source/Makefile"
	echo 'MODULE_INFO(state, "old");' > "$work/old.c"
	awk -v release=$K -f "$installtree/$K/build/compile.awk" "$work/old.c" | as -o "$source/$1"
	echo 'MODULE_INFO(state, "mended");' >> "$source/mod.c"
	find "$source" -exec touch -d 2021-01-01 {} +
	touch -d 2020-01-01 "$source/$1"
	sleep 0.05
}

# Builds the module and prints what it is made of, and whether it is from the cache.
build() # OPTION...
{
	dkms build mod/1.0 -k $K "$@" > "$work/out" 2>&1 || cat "$work/out"
	cp "$dkmstree/mod/1.0/$K/$arch/module"/mod.ko* "$work/built.ko"
	from=built
	! grep -q "from the cache" "$work/out" || from=cached
	dkms remove mod/1.0 --all > "$work/removed"
	is_state="$(module_field state "$work/built.ko")"
}

rule="awk -v release=$K -f \$(kernel_source_dir)/compile.awk mod.c | as -o"
for file in mod.ko mod.o tool; do
	rm -rf "$work/cache"
	stale $file "all: mod.ko" "$file: mod.c\n\t$rule $file" "$([ $file = mod.ko ] || printf 'mod.ko: %s\\n\\tcp %s mod.ko' $file $file)"
	if [ $file = tool ]; then
		cp -p "$source/mod.c" "$source/tool.c"
	fi
	cp -a "$source" "$work/genuine"

	touch -d 2022-01-01 "$source/$file"
	build
	is "$is_state" old "$file: the one that is newer is taken as it is"
	rm -rf "$source"
	mv "$work/genuine" "$source"
	build
	is "$is_state" mended "$file: the same bytes with an older one are built again"
	touch -d 2021-01-01 "$source/$file"
	build
	is "$is_state" old "$file: one of the same time is taken as it is"
	touch -d 2020-06-06 "$source/$file"
	build
	is "$is_state" mended "$file: an older one is built again"
	is "$from" cached "$file: another time in the same order is found in the cache"
	touch -d 2020-01-01 "$source/mod.c"
	build
	touch -d 2100-01-01 "$source/$file"
	build
	is "$from" built "$file: one from the future is another source"
	build --force
	is "$is_state" old "$file: as it is without the cache"
done

# A list of what an object was made of may name files of the kernel, whose times are not in the key.
rm -rf "$work/cache"
stale mod.o "all: mod.ko" "-include mod.d" "mod.o:\n\t$rule mod.o" "mod.ko: mod.o\n\tcp mod.o mod.ko"
# shellcheck disable=SC2016
echo 'mod.o: $(kernel_source_dir)/Makefile' > "$source/mod.d"
touch -d 2019-01-01 "$source"/*
touch -d 2019-06-06 "$source/mod.o"
cp -a "$source" "$work/genuine"
touch -d "$(date -d '+1 second' '+%F %T')" "$source/mod.o"
sleep 1.2
build
is "$is_state" old "an object that is newer than the kernel's headers is taken as it is"
rm -rf "$source"
mv "$work/genuine" "$source"
build
is "$is_state" mended "the same bytes with an object that is older than these are built again"

# Without such files, times do not count.
rm -rf "$work/cache" "$source"
module mod 1.0
sleep 0.05
build
touch -d 2020-01-01 "$source/mod.c"
build
is "$from" cached "times of a source without such files do not count"

finish
