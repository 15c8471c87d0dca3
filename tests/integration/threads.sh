#!/bin/bash
# Builds dkms and some unit tests with ThreadSanitizer, and runs what uses several threads: no thread
# may read what another one writes at the same time.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
units="test-parallel test-walk test-statcache test-store test-keypair test-runner"
# Without a random layout of the address space, as some versions of the sanitizer need it.
run=(setarch "$(uname -m)" -R)

echo 'int main(void) { return 0; }' > "$work/try.c"
if ! ${CC:-gcc} -fsanitize=thread -o "$work/try" "$work/try.c" 2> /dev/null || ! "${run[@]}" "$work/try" 2> /dev/null; then
	skip_all "there is no ThreadSanitizer"
fi
mkdir "$work/tree"
(cd "$top_srcdir" && tar -c --exclude='*.o' --exclude='*.a' --exclude='.deps' --exclude='*.log' --exclude='*.trs' \
	Makefile.* configure* aclocal.m4 build-aux config.h.in base builder cache cli scheduler tests packaging bench) |
	tar -x -C "$work/tree"
find "$work/tree" -type f -perm /111 -path '*/tests/unit/test-*' -delete
cd "$work/tree"
# The compiler checks elsewhere that the code has no warnings.
ok "configure" ./configure -q CC="${CC:-gcc}" CFLAGS='-O1 -g -fsanitize=thread -w' LDFLAGS=-fsanitize=thread
# shellcheck disable=SC2046,SC2086
ok "build" make -s -j"$(nproc)" dkms $(printf ' tests/unit/%s' $units)

# The exit status is that of the program; what the sanitizer finds is in files.
export TSAN_OPTIONS="exitcode=0 log_path=$work/race"
cat > "$work/race.c" <<'C'
#include <pthread.h>
static int shared;
static void *count(void *unused) { shared++; return unused; }
int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, count, NULL);
	shared++;
	return pthread_join(thread, NULL);
}
C
# Prints what the sanitizer has found. libuv closes descriptors by system calls of its own, which the
# sanitizer does not see: a thread that gets the same number seems to disturb the one that had it.
races()
{
	cat "$work"/race.[0-9]* 2> /dev/null | awk '
		function end() { if (report ~ /WARNING|FATAL/ && !descriptor) printf "%s", report; report = descriptor = "" }
		/^==+$/ { end() }
		/WARNING|FATAL|^ *#[0-3] / { report = report $0 "\n" }
		/Location is file descriptor|#0 (open|openat|close|pipe2) / { descriptor = 1 }
		END { end() }' | head -n 60
}
${CC:-gcc} -g -fsanitize=thread -o "$work/counts" "$work/race.c" -pthread
"${run[@]}" "$work/counts"
like "$(races)" "data race" "two threads that disturb each other are found"
rm -f "$work"/race.[0-9]*

for unit in $units; do
	ok "$unit" "${run[@]}" tests/unit/"$unit"
done

machine
trees=("${trees[@]/--no-cache/--cache-dir=$machine/cache}")
kernel $K
kernel $K7 .xz
for name in one two three four; do
	module $name 1.0 'POST_INSTALL=post.sh'
	write_script "$sourcetree/$name-1.0/post.sh" 'exit 0'
	DKMS="$work/tree/dkms" dkms add $name/1.0 > /dev/null
done
DKMS="${run[*]} $work/tree/dkms"
dkms() { $DKMS "$@" "${trees[@]}" < /dev/null; }
dkms_exits 0 "autoinstall of four modules for two kernels" autoinstall -k $K -k $K7 -j 4
dkms_exits 0 "the same by force" autoinstall -k $K -k $K7 -j 4 --force
dkms_exits 0 "unbuild" unbuild one/1.0 --all
dkms_exits 0 "from the cache" autoinstall -k $K -k $K7 -j 4 --events "$work/events"
for name in one two three four; do
	dkms_exits 0 "remove" remove $name/1.0 --all
done
is "$(races)" "" "no thread disturbs another"
finish
