# shellcheck shell=bash disable=SC2034
# A machine with a cache, for tests that source this file instead of fixture.sh. The functions read
# the counters of the cache, and build once more without the cache to compare the results.

# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
if [ -n "$private" ]; then
	freeze_packages
	# What is in /usr/local would be read for the key.
	case $(realpath "${top_srcdir:?}" "${DKMS:?}") in */usr/local/*) ;;
	*) mount -t tmpfs -o mode=755 dkms-test /usr/local ;;
	esac
	# A directory of tools that builds can see and that the test may change.
	mount -t tmpfs tools /opt
	tools=/opt/tools
	mkdir $tools
	PATH=$tools:$PATH
fi

# Makes the trees of a machine with a cache.
cached_machine()
{
	machine
	cache=$machine/cache
	trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree"
		--cache-dir "$cache")
	kernel $K
	kernel $K7
	ln -s "$machine/usr/lib/kbuild/scripts" "$machine/usr/src/linux-headers-$K/scripts"
	mkdir -p "$machine/usr/lib/kbuild/scripts"
	echo 'echo linked' > "$machine/usr/lib/kbuild/scripts/link.sh"
}

# Prints the numbers of hits, misses, stored results and damaged entries.
counters()
{
	dkms cache stats | sed -n 's/^modules .* \([0-9]*\) hits *\([0-9]*\) misses *\([0-9]*\) stored *\([0-9]*\) .*/\1 \2 \3 \4/p' |
		grep . || echo 0 0 0 0
}

# Runs dkms and sets $moved to the changes of the counters.
counted() # ARGUMENT...
{
	local before after

	read -r -a before <<< "$(counters)"
	run_dkms "$@"
	read -r -a after <<< "$(counters)"
	moved="$((after[0] - before[0])) $((after[1] - before[1])) $((after[2] - before[2])) $((after[3] - before[3]))"
}

hit="1 0 0 0"
miss="0 1 1 0"

# Builds m/1.0 with the cache and checks the change of the counters.
builds_cached() # COUNTERS DESCRIPTION [OPTION...]
{
	dkms unbuild m/1.0 -k $K > /dev/null 2>&1
	counted build m/1.0 -k $K "${@:3}"
	is "$status $moved" "0 $1" "$2"
	[ "$status $moved" = "0 $1" ] || note "$err"
	rm -rf "$work/cached"
	cp -r "$dkmstree/m/1.0/$K/$arch/module" "$work/cached" || true
}

# Builds m/1.0 with the cache and without it, and compares the results.
builds() # COUNTERS DESCRIPTION [OPTION...]
{
	builds_cached "$@"
	run_dkms build m/1.0 -k $K --no-cache --force "${@:3}"
	rm -rf "$work/uncached"
	cp -r "$dkmstree/m/1.0/$K/$arch/module" "$work/uncached" || true
	ok "$2: the result without a cache is the same" diff -r "$work/cached" "$work/uncached"
}

# Checks that a change is a miss, and that the next build is a hit.
matters() # DESCRIPTION [OPTION...]
{
	builds "$miss" "$1 matters" "${@:2}"
	builds_cached "$hit" "$1: the next build is a hit" "${@:2}"
	ok "$1: the hit has the same result" diff -r "$work/cached" "$work/uncached"
}

does_not_matter() # DESCRIPTION [OPTION...]
{
	builds "$hit" "$1 does not matter" "${@:2}"
}

why() # REGEX DESCRIPTION: checks the output of dkms cache why
{
	run_dkms cache why m/1.0 -k $K
	like "$out" "$1" "cache why: $2"
}

new_module()
{
	module m 1.0 'PRE_BUILD=pre.sh' 'PATCH[0]=fix.patch'
	write_script "$sourcetree/m-1.0/pre.sh" 'echo "MODULE_INFO(pre, \"$KBUILD_MODFLAG\");" >> m.c' \
		'echo "MODULE_INFO(by, \"$(cat $kernel_source_dir/include/version.h)\");" >> m.c'
	mkdir -p "$sourcetree/m-1.0/patches"
	printf '%s\n' '--- a/m.c' '+++ b/m.c' '@@ -1,2 +1,3 @@' ' MODULE_VERSION("1.0");' \
		' MODULE_INFO(srcversion, "m-1.0");' '+MODULE_INFO(patched, "yes");' \
		> "$sourcetree/m-1.0/patches/fix.patch"
	echo 1 > "$machine/usr/src/linux-headers-$K/include/version.h"
}

# Makes the output of COMMANDs a part of the module, and builds it for the first time.
reads() # DESCRIPTION COMMAND...
{
	what=$1
	# shellcheck disable=SC2016 # the script expands it
	write_script "$sourcetree/m-1.0/pre.sh" 'value=$(' "${@:2}" ') || exit' \
		'echo "MODULE_INFO(value, \"$value\");" >> m.c'
	builds_cached "$miss" "$what: the first build"
	[ "$status" -eq 0 ] || sed 's/^/# /' "$dkmstree"/m/1.0/build/make.log
}

# Prints what the build has read.
value()
{
	module_field value "$dkmstree/m/1.0/$K/$arch/module/m.ko"
}

# Checks that a change matters, and what the build reads after it.
change() # DESCRIPTION VALUE COMMAND...
{
	"${@:3}"
	matters "$what: $1"
	is "$(value)" "$2" "$what: $1: the value is the new one"
}

put() # TEXT PATH
{
	mkdir -p "${2%/*}"
	echo "$1" > "$2"
}
