#!/bin/bash
# The use of the cache: options and commands, packages that need others, failed builds, damage, full
# disks, several processes at the same time, killed processes, and machines with odd clocks.
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"

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
	run_dkms cache why
	like "$status $err" "^0 dkms: warning: the running kernel .* acts on the newest" "cache why without a module: all modules"
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

# Modules that fit are not looked at again when they are restored. Those that do not give the same
# warning each time.
fit()
{
	local n

	module fits 1.0
	module misfit 1.0
	echo 'extern int nowhere;' >> "$sourcetree/misfit-1.0/misfit.c"
	for n in 1 2; do
		counted build fits/1.0 -k $K
		is "$status $err" "0 " "build $n of a module that fits gives no warning"
		counted build misfit/1.0 -k $K
		like "$status $err" "^0 dkms: warning: .*misfit.ko: unknown symbols: nowhere$" \
			"build $n of one that does not gives a warning"
		dkms unbuild fits/1.0 -k $K > /dev/null
		dkms unbuild misfit/1.0 -k $K > /dev/null
	done
	is "$moved" "$hit" "the second one is from the cache"
	ok "it is known of a module that it fits" \
		grep -q '^part .* fit$' "$(grep -l '^title fits/' -r "$cache/v1/entries")"
	ok "it is not known of the other" test -z \
		"$(grep '^part .* fit$' "$(grep -l '^title misfit/' -r "$cache/v1/entries")")"
}

scripts()
{
	module fails 1.0 'POST_BUILD=post.sh'
	write_script "$sourcetree/fails-1.0/post.sh" 'exit 3'
	counted build fails/1.0 -k $K
	is "$status $moved" "3 0 1 0 0" "a build whose POST_BUILD fails is not stored"
	counted build fails/1.0 -k $K
	is "$status $moved" "3 0 1 0 0" "it fails again the next time"
	write_script "$sourcetree/fails-1.0/post.sh" 'echo good'
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
	unset KBUILD_MODFLAG
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
	run_dkms build m/1.0 -k $K
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
	run_dkms cache stats
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
dkms add m/1.0 > /dev/null
builds "$miss" "the first build"
options
depends
fit
scripts
cached_machine
damage
no_room
ccache_stats
many
odd_machines
finish
