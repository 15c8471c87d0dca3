#!/bin/bash
# A user replaces the dkms.conf that root adds, while dkms looks at it, by a link to a file of root's.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

if [ -z "$private" ] || ! setpriv --reuid=65534 --clear-groups true 2>/dev/null; then
	skip_all "needs namespaces and several users"
fi

# The file is replaced before the call whose number is in a variable; the calls are those that open it or
# resolve its path.
cat > "$work/replace.c" <<'END'
	#define _GNU_SOURCE
	#include <dlfcn.h>
	#include <fcntl.h>
	#include <stdarg.h>
	#include <stdio.h>
	#include <stdlib.h>
	#include <string.h>
	#include <unistd.h>

	static void replace(const char *path)
	{
		static int calls;
		const char *conf = getenv("CONF"), *at = getenv("AT");
		size_t n = strlen(path), end = strlen("dkms.conf");

		if (!conf || !at || n < end || strcmp(path + n - end, "dkms.conf") != 0 || ++calls != atoi(at))
			return;
		unlink(conf);
		if (symlink(getenv("SECRET"), conf) == 0)
			fprintf(stderr, "replaced\n");
	}

	#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
	#define OPEN(name, at, parameters, ...) \
		int name parameters \
		{ \
			REAL(name); \
			va_list args; \
			mode_t mode; \
			va_start(args, flags); \
			mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0; \
			va_end(args); \
			replace(path); \
			return real(__VA_ARGS__, mode); \
		}
	OPEN(open, AT_FDCWD, (const char *path, int flags, ...), path, flags)
	OPEN(open64, AT_FDCWD, (const char *path, int flags, ...), path, flags)
	OPEN(openat, dir, (int dir, const char *path, int flags, ...), dir, path, flags)
	OPEN(openat64, dir, (int dir, const char *path, int flags, ...), dir, path, flags)

	char *realpath(const char *path, char *ret)
	{
		REAL(realpath);

		replace(path);
		return real(path, ret);
	}
END
${CC:-cc} -shared -fPIC -o "$work/replace.so" "$work/replace.c" -ldl 2> "$work/err" || skip_all "no library can be made here"

# The dkms.conf is replaced at each of the calls.
attacked() # DESCRIPTION SECRET
{
	local n replaced=0

	for n in {1..20}; do
		rm -rf "$sourcetree"/joes-1.0 "$dkmstree/joes" "$work/joe/joes"
		cp -a "$work/original" "$work/joe/joes"
		CONF=$work/joe/joes/dkms.conf SECRET=$2 AT=$n LD_PRELOAD=$work/replace.so \
			ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 \
			"$DKMS" add "$work/joe/joes" "${trees[@]}" < /dev/null > "$work/out" 2>&1 || true
		grep -q replaced "$work/out" || break
		replaced=$n
		ok "$1, replaced at call $n: nothing of it is printed" test "$(grep -c topsecret "$work/out")" -eq 0
	done
	ok "$1: it was replaced" test $replaced -ge 2
}

machine
kernel $K
chmod 0755 "$work"
module joes 1.0
mkdir "$work/joe" "$work/roots"
mv "$sourcetree/joes-1.0" "$work/original"
chmod 0600 "$work/original/dkms.conf"
chown -R 4242:4242 "$work/original" "$work/joe"
echo 'topsecret: (of root' > "$work/roots/shadow"
chmod 0600 "$work/roots/shadow"
attacked "a link to a file of root's" "$work/roots/shadow"
attacked "a relative one" ../../roots/shadow

# Where the kernel permits it, the file may be another name of one of root's.
rm -rf "$sourcetree"/joes-1.0 "$dkmstree/joes" "$work/joe/joes"
cp -a "$work/original" "$work/joe/joes"
dkms_exits 0 "a dkms.conf that only its owner can read is added" add "$work/joe/joes"
rm -rf "$sourcetree"/joes-1.0 "$dkmstree/joes"
ln -f "$work/roots/shadow" "$work/joe/joes/dkms.conf"
run_dkms add "$work/joe/joes"
like "$err" "dkms.conf can be read only by its owner, and is not evaluated as root" "another name of a file of root's is not evaluated"
finish
