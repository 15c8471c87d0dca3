#!/bin/bash
# A module from the cache is the same as a new build. For each kind of input, a change is a miss,
# and a change of anything else is a hit. The test reads the counters of the cache, and after each
# build it builds once more without the cache and compares the results.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
if [ -n "$private" ]; then
	freeze_packages
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
	try "$@"
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
	[ "$status" -eq 0 ] || note "$err"
	rm -rf "$work/cached"
	cp -r "$dkmstree/m/1.0/$K/$arch/module" "$work/cached" || true
}

# Builds m/1.0 with the cache and without it, and compares the results.
builds() # COUNTERS DESCRIPTION [OPTION...]
{
	builds_cached "$@"
	try build m/1.0 -k $K --no-cache --force "${@:3}"
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
	try cache why m/1.0 -k $K
	like "$out" "$1" "cache why: $2"
}

new_module()
{
	module m 1.0 'PRE_BUILD=pre.sh' 'PATCH[0]=fix.patch'
	script "$sourcetree/m-1.0/pre.sh" 'echo "MODULE_INFO(pre, \"$MODFLAG\");" >> m.c' \
		'echo "MODULE_INFO(by, \"$(cat $kernel_source_dir/include/version.h)\");" >> m.c'
	mkdir -p "$sourcetree/m-1.0/patches"
	printf '%s\n' '--- a/m.c' '+++ b/m.c' '@@ -1,2 +1,3 @@' ' MODULE_VERSION("1.0");' \
		' MODULE_INFO(srcversion, "m-1.0");' '+MODULE_INFO(patched, "yes");' \
		> "$sourcetree/m-1.0/patches/fix.patch"
	echo 1 > "$machine/usr/src/linux-headers-$K/include/version.h"
}

inputs()
{
	local headers=$machine/usr/src/linux-headers-$K src=$sourcetree/m-1.0

	dkms add m/1.0 > /dev/null
	why 'nor is any build of m$' "the cache is empty"
	builds "$miss" "the first build"
	builds "$hit" "the second build"
	like "$(dkms unbuild m/1.0 -k $K; dkms build m/1.0 -k $K)" \
		"^dkms: m/1.0 for $K: built from the cache\$" "dkms says that the module is from the cache"
	why 'in the cache, built on' "the module is in the cache"
	ok "the log is restored" grep -q 'DKMS\|dkms' "$dkmstree/m/1.0/$K/$arch/log/make.log"

	echo 'MODULE_INFO(new, "yes");' >> "$src/m.c"
	why 'source: m.c differs' "a source file"
	matters "a source file"
	touch -r "$src/m.c" "$work/stamp"
	sed -i 's/new/old/' "$src/m.c"
	touch -r "$work/stamp" "$src/m.c"
	matters "a source file of the same size and time"
	chmod +x "$src/m.c"
	why 'source: m.c differs' "a mode"
	matters "a mode"
	echo > "$src/extra.h"
	why 'source: extra.h is new' "a new file"
	matters "a new file"
	mv "$src/extra.h" "$src/other.h"
	matters "the name of a file"
	ln -s other.h "$src/link.h"
	matters "a link"
	rm "$src/link.h" "$src/other.h"
	builds "$hit" "all is as it was before the changes"
	sed -i 's/patched, "yes"/patched, "no!"/' "$src/patches/fix.patch"
	matters "a patch"
	echo 'echo "MODULE_INFO(script, \"2\");" >> m.c' >> "$src/pre.sh"
	matters "a script"
	echo 2 > "$headers/include/version.h"
	why "headers: $headers/include/version.h differs" "a header"
	matters "a header"
	sed -i 's/CONFIG_SMP=y/CONFIG_SMP=m/' "$headers/.config" "$headers/include/config/auto.conf"
	why "config: CONFIG_SMP differs" "a CONFIG value"
	matters "a CONFIG value"
	printf '0x3333\tkmalloc\tvmlinux\tEXPORT_SYMBOL\t\n' >> "$headers/Module.symvers"
	matters "Module.symvers"
	echo 'echo more' >> "$machine/usr/lib/kbuild/scripts/link.sh"
	why "headers-2: $machine/usr/lib/kbuild/scripts/link.sh differs" "a script of kbuild"
	matters "a script of kbuild, behind a link"
	sed -i 's/mod_unload/mod_unload /' "$headers/compile.awk"
	matters "how the kernel compiles"
	export MODFLAG=1
	why "environment: MODFLAG is new" "a variable"
	matters "an environment variable"
	export MODFLAG=2
	matters "the value of an environment variable"
	matters "a directive" --directive STRIP=no
	matters "the make command" --directive 'MAKE=make -C $kernel_source_dir M=$dkms_tree/$module/$module_version/build V=1'
	does_not_matter "-j in the make command" \
		--directive 'MAKE=make -j3 -C $kernel_source_dir -j 2 M=$dkms_tree/$module/$module_version/build V=1'
	matters "another .config" --config "$machine/usr/src/linux-headers-$K7/.config"
	matters "--sandbox=off" --sandbox=off
	builds "$hit" "all is as it was"
}

tools()
{
	local tool

	if [ -z "$private" ]; then
		skip "no mount namespace" "compilers and strip"
		return
	fi
	for tool in as strip make bash gcc; do
		script "$tools/$tool" "exec /usr/bin/$tool \"\$@\""
		matters "a new $tool in the path"
		echo '# another' >> "$tools/$tool"
		why "tools: $tools/$tool differs" "$tool"
		matters "the content of $tool"
	done
	rm $tools/*
	builds "$hit" "the tools as they were"
	private_etc
	mkdir -p "$etc/m/patches"
	cp "$sourcetree/m-1.0/patches/fix.patch" "$etc/m/patches/"
	sed -i 's/patched, "no!"/patched, "etc"/' "$etc/m/patches/fix.patch"
	why "overrides: $etc/m/patches is new" "a patch of the administrator"
	matters "a patch of the administrator"
	echo 'STRIP=no' > "$etc/m.conf"
	matters "an override"
	script "$etc/m/pre.sh" 'echo "MODULE_INFO(pre, \"etc\");" >> m.c'
	matters "a script of the administrator"
	mkdir -p /etc/default
	echo 'M_DEBUG=1' > /etc/default/m
	matters "a file in /etc/default"
	rm -rf "$etc/m" "$etc/m.conf" /etc/default/m
	builds "$hit" "/etc is as it was"
	echo 'shadow' > /etc/some-other-file
	does_not_matter "a file of /etc that builds do not see"
}

# A module whose script reads files that a build should not need. A file that it can see matters; a
# file that does not matter is hidden from it.
leaks()
{
	local place homes=() top was

	if [ -z "$private" ]; then
		skip "no mount namespace" "other files that builds can see"
		return
	fi
	# Directories of users, which a minimal system may not have.
	for place in $(find / -mindepth 1 -maxdepth 1 -type d |
		grep -vxE '/(bin|boot|dev|etc|gnu|home|lib|lib32|lib64|libx32|media|mnt|nix|opt|proc|root|run|sbin|srv|sys|tmp|usr|var)') \
		/home /root /media /mnt /srv /usr/lib/debug
	do
		# The project itself must stay visible.
		case $(realpath "$top_srcdir" "$DKMS") in *"$place"/*) continue ;; esac
		[ ! -d "$place" ] || homes+=("$place")
	done
	private_etc
	top=$(find / -maxdepth 1 -type f -readable ! -name 'vmlinuz*' ! -name 'initrd*' | head -n 1)
	for place in /usr/local "${homes[@]}"; do
		mount -t tmpfs -o mode=755 leak "$place"
	done
	mkdir -p /usr/local/share /usr/local/bin /opt/share
	cat >> "$sourcetree/m-1.0/pre.sh" <<END
for file in /etc/hostname /etc/hosts /etc/perl/x /usr/local/share/x /usr/local/bin/x /opt/share/x \\
	\$HOME/x ${homes[*]/%//x} $top; do
	[ ! -r \$file ] || echo "MODULE_INFO(leak, \\"\$(cat \$file)\\");" >> m.c
done
echo "MODULE_INFO(host, \\"\$(cat /proc/sys/kernel/hostname) \$LC_ALL \$LANG\\");" >> m.c
echo "MODULE_INFO(domain, \\"\$(cat /proc/sys/kernel/domainname)\\");" >> m.c
echo "MODULE_INFO(boot, \\"\$(cat /proc/cmdline /proc/devices /proc/kallsyms /proc/modules /proc/driver/* 2>&1 |
	grep -cv 'No such file\|Permission denied')\\");" >> m.c
END
	matters "a script that looks around"
	mkdir -p /etc/perl
	for place in /usr/local/share /usr/local/bin /opt/share /etc/perl; do
		echo one > $place/x
		matters "a file in $place"
		echo two > $place/x
		matters "the content of a file in $place"
		rm $place/x
	done
	builds "$hit" "all these files are removed"
	is "$(field boot "$dkmstree/m/1.0/$K/$arch/module/m.ko")" 0 "the loaded modules of the machine are hidden"
	if [ -n "$top" ]; then
		echo other > "$work/top"
		mount --bind "$work/top" "$top"
		matters "a file in /"
		echo another > "$work/top"
		matters "the content of a file in /"
		umount "$top"
		builds "$hit" "the file in / is as it was"
	else
		skip "/ has no readable file" "a file in /"
	fi
	read -r was < /proc/sys/kernel/domainname
	if echo other > /proc/sys/kernel/domainname; then
		matters "the machine's domain"
		echo "$was" > /proc/sys/kernel/domainname
		builds "$hit" "the domain is as it was"
	else
		skip "it cannot be changed" "the machine's domain"
	fi
	for place in "${homes[@]}"; do
		echo one > "$place/x"
		does_not_matter "a file in $place"
	done
	echo other > /etc/hostname
	echo '127.0.0.1 other' > /etc/hosts
	hostname other
	LC_ALL=de_DE.UTF-8 does_not_matter "the host name, or the language"
	umount /usr/local "${homes[@]}"
	rm -r /opt/share
	builds "$miss" "all places are as they were"
}

# Makes headers with many links to another directory, at the top and below, as Ubuntu has them.
linked_headers()
{
	local kernel=5.15.0-1-generic headers=$machine/usr/src/linux-headers-5.15.0-1 own

	kernel $kernel
	own=$machine/usr/src/linux-headers-$kernel
	mkdir -p "$headers/include/linux" "$headers/block"
	mv "$own/Makefile" "$own/compile.awk" "$headers/"
	ln -s ../linux-headers-5.15.0-1/{Makefile,compile.awk,block} "$own/"
	ln -s ../../linux-headers-5.15.0-1/include/linux "$own/include/linux"
	echo one > "$headers/include/linux/one.h"
	module linked 1.0 PRE_BUILD=pre.sh
	script "$sourcetree/linked-1.0/pre.sh" \
		'echo "MODULE_INFO(one, \"$(cat $kernel_source_dir/include/linux/one.h)\");" >> linked.c'
	counted build linked/1.0 -k $kernel
	is "$status $moved" "0 $miss" "headers behind links"
	is "$(field one "$dkmstree/linked/1.0/$kernel/$arch/module/linked.ko")" one "builds can read them"
	dkms unbuild linked/1.0 -k $kernel > /dev/null
	counted build linked/1.0 -k $kernel
	is "$status $moved" "0 $hit" "headers behind links: the second build"
	echo two > "$headers/include/linux/one.h"
	dkms unbuild linked/1.0 -k $kernel > /dev/null
	counted build linked/1.0 -k $kernel
	is "$status $moved" "0 $miss" "a header behind a link below the top matters"
	dkms remove linked/1.0 --all > /dev/null
	rm -rf "$sourcetree/linked-1.0" "${installtree:?}/$kernel"
}

# With too many files in /opt builds are not cached, and dkms says so.
too_many_files()
{
	local many="more than 100,000 files in /usr/local and /opt"

	if [ -z "$private" ]; then
		skip "no mount namespace" "too many files in /opt"
		return
	fi
	mkdir /opt/many
	(cd /opt/many && seq 100001 | xargs touch)
	why "^m/1.0 for $K: not cached: $many\$" "too many files"
	module more 1.0
	dkms add more/1.0 > /dev/null
	dkms unbuild m/1.0 -k $K > /dev/null 2>&1
	try build m/1.0 -k $K --dry-run --explain
	like "$out" "^m/1.0 for $K: build \(not built for this kernel; not cached: $many\)\$" \
		"too many files: --explain"
	counted autoinstall -k $K
	is "$status $moved" "0 0 0 0 0" "too many files: nothing is stored"
	is "$(grep -c "^dkms: warning: not cached: $many; move " "$work/err")" 1 \
		"too many files: one warning for two modules, with a remedy"
	note "$err"
	dkms unbuild m/1.0 -k $K > /dev/null 2>&1
	dkms remove more/1.0 --all > /dev/null
	rm -rf /opt/many "$sourcetree/more-1.0"
	why 'in the cache' "the module is in the cache after the files are removed"
}

what_does_not_matter()
{
	find "$sourcetree/m-1.0" "$machine/usr/src/linux-headers-$K" -exec touch -h -d 2020-01-01 {} +
	does_not_matter "time stamps"
	does_not_matter "-j 1" -j 1
	does_not_matter "-j 7" -j 7
	module other 1.0
	dkms install other/1.0 -k $K > /dev/null
	does_not_matter "another module"
	kernel 4.19.0-9-amd64
	does_not_matter "another kernel"
	(
		export SSH_TTY=/dev/pts/1 LANG=de_DE.UTF-8 TERM=dumb SHLVL=7 SUDO_USER=joe MAKEFLAGS=-j9
		export DPKG_MAINTSCRIPT_NAME=postinst USER=joe CC=nonsense OLDPWD=/x
		counted build m/1.0 -k $K --force --no-cache
		dkms unbuild m/1.0 -k $K > /dev/null
		counted build m/1.0 -k $K
		echo "$status $moved" > "$work/session"
	)
	is "$(cat "$work/session")" "0 $hit" "variables of a session do not matter"
	mkdir "$work/checkout"
	cp -r "$sourcetree/m-1.0" "$work/checkout/somewhere"
	dkms remove m/1.0 --all > /dev/null
	rm -rf "$sourcetree/m-1.0"
	dkms add "$work/checkout/somewhere" > /dev/null
	does_not_matter "where the source was added from"
	dkms unbuild m/1.0 -k $K > /dev/null
	counted install m/1.0 -k $K
	is "$status $moved" "0 $hit" "install"
	is "$out" "dkms: m/1.0 for $K: installed from the cache" "dkms says that it was installed from the cache"
	ok "the module is installed" test -f "$installtree/$K/$dest/m.ko"
	dkms uninstall m/1.0 -k $K > /dev/null
}

options()
{
	counted build m/1.0 -k $K --force
	is "$status $moved" "0 0 0 1 0" "--force builds and stores again"
	dkms unbuild m/1.0 -k $K > /dev/null
	counted build m/1.0 -k $K --no-cache
	is "$status $moved" "0 0 0 0 0" "--no-cache neither reads nor stores"
	dkms unbuild m/1.0 -k $K > /dev/null
	dkms_exits 0 "cache verify" cache verify
	dkms_exits 0 "cache gc" cache gc
	like "$out" '^0 entries removed' "cache gc: nothing is removed below the limit"
	dkms_exits 2 "an unknown cache command" cache nonsense
	dkms_exits 1 "cache why without a module" cache why
	dkms_exits 3 "cache why with an unknown module" cache why nonsense/1.0
	dkms_exits 0 "cache clear" cache clear
	is "$(find "$cache" -path '*/objects/*' -type f -o -path '*/entries/*' -type f)" "" "cache clear: no file is left"
	is "$(counters)" "0 0 0 0" "cache clear: the counters are reset"
}

depends()
{
	module base 1.0
	echo 'EXPORT_SYMBOL(base_one);' >> "$sourcetree/base-1.0/base.c"
	module user 1.0 'BUILD_DEPENDS[0]=base'
	echo 'extern int base_one;' >> "$sourcetree/user-1.0/user.c"
	dkms_exits 0 "install a package that others need" install base/1.0 -k $K
	counted install user/1.0 -k $K
	is "$status $moved" "0 $miss" "the first build of its dependent"
	dkms unbuild user/1.0 -k $K > /dev/null
	counted install user/1.0 -k $K
	is "$status $moved" "0 $hit" "the second build of its dependent"
	echo 'EXPORT_SYMBOL(base_two);' >> "$sourcetree/base-1.0/base.c"
	dkms unbuild base/1.0 -k $K > /dev/null
	dkms unbuild user/1.0 -k $K > /dev/null
	dkms_exits 0 "the package exports another symbol" install base/1.0 -k $K
	counted install user/1.0 -k $K
	is "$status $moved" "0 $miss" "symbols of BUILD_DEPENDS matter"
}

scripts()
{
	module fails 1.0 'POST_BUILD=post.sh'
	script "$sourcetree/fails-1.0/post.sh" 'exit 3'
	counted build fails/1.0 -k $K
	is "$status $moved" "3 0 1 0 0" "a build whose POST_BUILD fails is not stored"
	counted build fails/1.0 -k $K
	is "$status $moved" "3 0 1 0 0" "it fails again the next time"
	script "$sourcetree/fails-1.0/post.sh" 'echo good'
	counted build fails/1.0 -k $K
	is "$status $moved" "0 $miss" "a build whose POST_BUILD succeeds is stored"
	dkms unbuild fails/1.0 -k $K > /dev/null
	counted build fails/1.0 -k $K
	is "$status $moved" "0 $hit" "it is restored the next time"
	dkms unbuild fails/1.0 -k $K > /dev/null
	counted build fails/1.0 -k $K --sandbox=off
	is "$status $moved" "0 0 0 0 0" "without a sandbox POST_BUILD runs, so nothing is restored"
	module broken 1.0
	echo '#error "no"' >> "$sourcetree/broken-1.0/broken.c"
	counted build broken/1.0 -k $K
	is "$status $moved" "10 0 1 0 0" "a build that fails is not stored"
}

damage()
{
	local how file

	new_module
	dkms add m/1.0 > /dev/null
	unset MODFLAG
	for how in truncate flip empty remove swap; do
		dkms cache clear > /dev/null
		builds "$miss" "a build before the damage"
		find "$cache/v1/objects" -type f | while read -r file; do
			chmod u+w "$file"
			case $how in
			swap) cp -f "$file" "$work/swapped.new"; [ ! -e "$work/swapped" ] || cat "$work/swapped" > "$file"
				mv "$work/swapped.new" "$work/swapped" ;;
			truncate) truncate -s -1 "$file" ;;
			flip) [ ! -s "$file" ] || printf '\377' | dd of="$file" conv=notrunc status=none ;;
			empty) : > "$file" ;;
			remove) rm "$file" ;;
			esac
		done
		dkms unbuild m/1.0 -k $K > /dev/null
		counted build m/1.0 -k $K
		is "$status $moved" "0 0 1 1 1" "objects, $how: the module is built again"
		[ "$how" = remove ] ||
			is "$(grep -c 'warning: cache' "$work/err")" 1 "objects, $how: one warning"
		builds "$hit" "objects, $how: the new result is stored"
	done
	file=$(find "$cache/v1/entries" -type f)
	sed -i '1s/1$/2/' "$file"
	builds "0 1 1 1" "an entry of another version"
	dkms cache verify > /dev/null 2>&1 || true
	dkms_exits 0 "cache verify finds no damage afterwards" cache verify
}

no_room()
{
	if [ -z "$private" ]; then
		skip "no mount namespace" "file systems that are full or read-only"
		return
	fi
	rm -rf "$cache"
	mkdir "$cache"
	mount -t tmpfs -o size=64k,mode=755 full "$cache"
	dkms unbuild m/1.0 -k $K > /dev/null
	dkms_exits 0 "a full disk" build m/1.0 -k $K
	is "$(grep -c 'warning: cache' "$work/err")" 1 "a full disk: one warning"
	mount -o remount,ro "$cache"
	dkms unbuild m/1.0 -k $K > /dev/null
	dkms_exits 0 "a cache that is read-only" build m/1.0 -k $K
	is "$(grep -c 'warning: ' "$work/err")" 1 "a cache that is read-only: one warning"
	umount "$cache"
	rmdir "$cache"
	: > "$cache"
	dkms unbuild m/1.0 -k $K > /dev/null
	dkms_exits 0 "a file where the cache should be" build m/1.0 -k $K
	is "$(grep -c 'warning: the cache is not used' "$work/err")" 1 "a file where the cache should be: one warning"
	rm "$cache"
	builds "$miss" "a directory is a cache again"
	mount --bind "$cache" "$cache"
	mount -o remount,ro,bind "$cache"
	dkms unbuild m/1.0 -k $K > /dev/null
	try build m/1.0 -k $K
	like "$out" 'built from the cache' "a read-only cache is used"
	umount "$cache"
	private_etc
	printf '%s\n' "cache_dir=$machine/elsewhere" 'cache_max_size=20K' > "$etc/framework.conf"
	trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree")
	dkms unbuild m/1.0 -k $K > /dev/null
	dkms_exits 0 "cache_dir and cache_max_size" build m/1.0 -k $K
	like "$(dkms cache)" "of 20.0 KiB, $machine/elsewhere\$" "the cache is in cache_dir and has cache_max_size"
	ok "the cache is not larger than cache_max_size" test "$(du -sb "$machine/elsewhere/v1/objects" | cut -f1)" -lt 40000
	echo 'cache_max_size=lots' > "$etc/framework.conf"
	dkms_exits 8 "a bad cache_max_size" status
	rm "$etc/framework.conf"
	trees+=(--cache-dir "$cache")
}

# The statistics of ccache, in directories that makefiles can write to.
ccache_stats()
{
	local guests=$cache/v1/guests

	# Lines 5, 9, 12 and 23 of the file are misses, hits by preprocessed sources, files and
	# direct hits.
	numbers() { printf '%s\n' 9 9 9 9 "$1" 9 9 9 "$2" 9 9 "$3" 9 9 9 9 9 9 9 9 9 9 "$4" 9 9; }
	dkms cache stats > "$work/out"
	is "$(grep -c '^ccache' "$work/out")" 0 "cache stats: there is no line about ccache without ccache"
	mkdir -p "$guests"/{nobody/{m/{a,b/c,x},hostile/{0,1,2,3,4}},own/m/f,bin}
	numbers 10 20 30 40 > "$guests/nobody/m/a/stats"
	numbers 1 2 3 4 > "$guests/nobody/m/b/c/stats"
	numbers 100 200 300 400 > "$guests/own/m/f/stats"
	numbers 1000 1000 1000 1000 | tee "$guests/nobody/m/x/stats" "$work/numbers" > "$guests/bin/stats"
	mkfifo "$guests/nobody/hostile/0/stats"
	ln -s "$work/numbers" "$guests/nobody/hostile/1/stats"
	mkdir "$guests/nobody/hostile/2/stats"
	echo words > "$guests/nobody/hostile/3/stats"
	head -c 100000 /dev/zero > "$guests/nobody/hostile/4/stats"
	ln -s "$guests/nobody/m/x" "$guests/nobody/hostile/5"
	try cache stats
	like "$out" '^ccache     333 files  .*B  666 hits  111 misses$' "cache stats: the statistics of ccache"
	rm -r "$guests"
}

many()
{
	local i k pids=() all=()

	for i in 1 2 3 4 5 6 7 8; do
		k=5.$i.0-test
		kernel "$k"
		all+=("$k")
	done
	for i in 1 2; do
		dkms cache stats > "$work/stats"
		was=$(counters)
		pids=()
		for k in "${all[@]}"; do
			dkms build m/1.0 -k "$k" -j 1 > "$work/many-$k" 2>&1 &
			pids+=($!)
		done
		status=0
		for k in "${pids[@]}"; do
			wait "$k" || status=1
		done
		is "$status" 0 "8 processes at once, round $i"
		is_now=$(counters)
		dkms unbuild m/1.0 --all > /dev/null
		read -r -a b <<< "$was"
		read -r -a a <<< "$is_now"
		[ $i = 1 ] && want="0 8 8 0" || want="8 0 0 0"
		is "$((a[0] - b[0])) $((a[1] - b[1])) $((a[2] - b[2])) $((a[3] - b[3]))" "$want" \
			"round $i: counters"
	done
	k=${all[0]}
	dkms build m/1.0 -k "$k" > /dev/null
	cp "$dkmstree/m/1.0/$k/$arch/module/m.ko" "$work/want.ko"
	dkms unbuild m/1.0 -k "$k" > /dev/null
	# The time of a build, with and without a hit.
	local start=$EPOCHREALTIME span bad=0 wrong=0
	dkms cache clear > /dev/null
	dkms build m/1.0 -k "$k" > /dev/null
	span=$(((${EPOCHREALTIME/[.,]/} - ${start/[.,]/}) / 1000 + 1))
	for i in $(seq 200); do
		[ $((i % 3)) -ne 0 ] || dkms cache clear > /dev/null
		dkms unbuild m/1.0 -k "$k" > /dev/null 2>&1
		"$DKMS" build m/1.0 -k "$k" "${trees[@]}" > /dev/null 2>&1 < /dev/null &
		sleep "$(printf '0.%03d' $((RANDOM % span % 1000)))"
		kill -KILL $! 2>/dev/null || true
		wait $! 2>/dev/null || true
		dkms cache verify > /dev/null 2>&1 || bad=$((bad + 1))
		dkms build m/1.0 -k "$k" > /dev/null 2>&1
		cmp -s "$work/want.ko" "$dkmstree/m/1.0/$k/$arch/module/m.ko" || wrong=$((wrong + 1))
	done
	is "$bad" 0 "kill -9 at 200 random moments: no entry is damaged"
	is "$wrong" 0 "the next build has the right result"
}

# A cache on a network file system, and a clock that jumps.
odd_machines()
{
	local days

	if [ -n "$private" ] && command -v bindfs > /dev/null &&
		mkdir -p "$work/far" "$work/near" && bindfs "$work/far" "$work/near" 2> /dev/null; then
		trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree"
			--cache-dir "$work/near/cache")
		cache=$work/near/cache
		builds "$miss" "a cache on another file system: miss"
		builds "$hit" "a cache on another file system: hit"
		dkms_exits 0 "it can be verified" cache verify
		umount "$work/near"
		trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree"
			--cache-dir "$machine/cache")
		cache=$machine/cache
	else
		skip "no bindfs, or no FUSE" "a cache on another kind of file system"
	fi
	# A library gives dkms the time from a file.
	cat > "$work/clock.c" <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <stdio.h>
		#include <time.h>
		int clock_gettime(clockid_t id, struct timespec *ret)
		{
			int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
			FILE *file = id == CLOCK_REALTIME ? fopen(OFFSET, "re") : NULL;
			long days = 0;
			int r = real(id, ret);

			if (file && fscanf(file, "%ld", &days) == 1)
				ret->tv_sec += days * 86400;
			if (file)
				fclose(file);
			return r;
		}
		time_t time(time_t *ret)
		{
			struct timespec now;

			clock_gettime(CLOCK_REALTIME, &now);
			return ret ? (*ret = now.tv_sec) : now.tv_sec;
		}
	END
	if ! gcc -shared -fPIC "-DOFFSET=\"$work/days\"" -o "$work/clock.so" "$work/clock.c" -ldl \
		2> "$work/err"; then
		skip "gcc cannot make a library here" "a clock that jumps"
		return
	fi
	export LD_PRELOAD=$work/clock.so ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
	dkms cache clear > /dev/null
	echo 0 > "$work/days"
	builds "$miss" "before the clock jumps"
	for days in -4000 4000 0; do
		echo $days > "$work/days"
		builds "$hit" "the clock jumps by $days days"
		echo "// $days" >> "$sourcetree/m-1.0/m.c"
		matters "a change after the clock has jumped by $days days"
		like "$(dkms cache why m/1.0 -k $K)" \
			"built on $(env -u LD_PRELOAD date -d "$days days" +%Y)-" "the clock did jump by $days days"
	done
	dkms_exits 0 "cache verify after the clock has jumped" cache verify
	unset LD_PRELOAD
}

cached_machine
new_module
inputs
tools
leaks
linked_headers
too_many_files
what_does_not_matter
options
depends
scripts
cached_machine
damage
no_room
ccache_stats
many
odd_machines
finish
