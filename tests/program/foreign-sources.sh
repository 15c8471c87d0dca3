#!/bin/bash
# A source that is a link to another user's directory, or has one in it. The user exchanges it while
# root reads it, or puts other names of root's files into it: root must not copy what he may not read,
# and must not keep what was built of something else than the key says.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

joe=4242
if [ -z "$private" ] || ! setpriv --reuid=$joe --clear-groups true 2>/dev/null; then
	skip_all "needs namespaces and several users"
fi
command -v cc >/dev/null || skip_all "needs a C compiler"
cp "${DKMS:?}" "$work/bin/dkms"
DKMS=$work/bin/dkms

# Exchanges the files $SWAP_A and $SWAP_B when dkms opens a path, or a name, that ends in $SWAP_AT for
# the $SWAP_N-th time. With $SWAP_BACK, exchanges them again when a path that ends so is opened later.
cat > "$work/swap.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int ends(const char *s, const char *end)
{
	return end && strlen(s) >= strlen(end) && !strcmp(s + strlen(s) - strlen(end), end);
}
static void exchange(void)
{
	renameat2(AT_FDCWD, getenv("SWAP_A"), AT_FDCWD, getenv("SWAP_B"), RENAME_EXCHANGE);
	close(creat(getenv("SWAP_DONE"), 0644));
}
static void look(const char *path)
{
	static int calls, swapped;

	if (!swapped && ends(path, getenv("SWAP_AT"))) {
		if (++calls == atoi(getenv("SWAP_N"))) {
			swapped = 1;
			exchange();
		}
	} else if (swapped == 1 && ends(path, getenv("SWAP_BACK"))) {
		swapped = 2;
		exchange();
	}
}
#define OPEN(name, head, args)                                                            \
	int name head                                                                     \
	{                                                                                 \
		__typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);     \
		va_list a;                                                                \
		mode_t mode = 0;                                                          \
		va_start(a, flags);                                                       \
		if (flags & (O_CREAT | O_TMPFILE))                                        \
			mode = va_arg(a, mode_t);                                         \
		va_end(a);                                                                \
		look(path);                                                               \
		return real args;                                                         \
	}
OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int dir, const char *path, int flags, ...), (dir, path, flags, mode))
OPEN(openat64, (int dir, const char *path, int flags, ...), (dir, path, flags, mode))
char *realpath(const char *path, char *to)
{
	__typeof__(realpath) *real = (__typeof__(realpath) *)dlsym(RTLD_NEXT, "realpath");

	look(path);
	return real(path, to);
}
END
cc -shared -fPIC -o "$work/swap.so" "$work/swap.c" -ldl

# Runs dkms, during which A and B are exchanged at the N-th opening of what ends in AT.
swapping() # A B AT N ARGUMENT...
{
	rm -f "$work/done"
	status=0
	SWAP_A=$1 SWAP_B=$2 SWAP_AT=$3 SWAP_N=$4 SWAP_DONE=$work/done LD_PRELOAD=$work/swap.so \
		ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 \
		"$DKMS" "${@:5}" "${trees[@]}" < /dev/null > "$work/out" 2> "$work/err" || status=$?
}

# Makes a machine whose mod/1.0 is a link to joe's directory, and a directory of root's that joe may
# not read. $work/joe/other leads there.
foreign() # [LINE...]
{
	machine
	kernel $K
	rm -rf "$work"/{joe,private,out.*}
	mkdir -m 0755 "$work/joe"
	mkdir -m 0700 "$work/private"
	echo topsecret > "$work/private/secret"
	chmod 0600 "$work/private/secret"
	module mod 1.0 "$@"
	mv "$sourcetree/mod-1.0" "$work/joe/mod"
	cp -a "$work/joe/mod/." "$work/private/"
	chmod 0700 "$work/private"
	ln -s "$work/private" "$work/joe/other"
	chown -hR $joe:$joe "$work/joe"
	ln -s "$work/joe/mod" "$sourcetree/mod-1.0"
	dkms add mod/1.0 > "$work/out"
}

# Checks that the secret is nowhere but where it belongs.
secret_is_safe() # DESCRIPTION
{
	local file found

	found=$(grep -rl topsecret "$dkmstree" "$sourcetree" "$work/out" "$work/err" 2>/dev/null || true)
	for file in "$work"/out.*; do
		case $file in
		*.tar) ! tar -xOf "$file" | grep -q topsecret || found+=" $file" ;;
		*.deb) ! dpkg-deb --fsys-tarfile "$file" | tar -xO | grep -q topsecret || found+=" $file" ;;
		esac
	done
	is "$found" "" "$1"
}

for name in mod source; do
	for n in {1..12}; do
		foreign 'MAKE="cat secret; make -C \$kernel_source_dir M=\$dkms_tree/mod/1.0/build"'
		swapping "$work/joe/mod" "$work/joe/other" $name $n build mod/1.0 -k $K
		[ -e "$work/done" ] || break
		secret_is_safe "build: exchanged at opening $n of $name"
	done
	for n in {1..12}; do
		foreign
		swapping "$work/joe/mod" "$work/joe/other" $name $n mktarball mod/1.0 --source-only --archive "$work/out.tar"
		[ -e "$work/done" ] || break
		secret_is_safe "mktarball: exchanged at opening $n of $name"
	done
	! command -v dpkg-deb >/dev/null || for n in {1..12}; do
		foreign
		swapping "$work/joe/mod" "$work/joe/other" $name $n mkdeb mod/1.0 --archive "$work/out.deb"
		[ -e "$work/done" ] || break
		secret_is_safe "mkdeb: exchanged at opening $n of $name"
	done
done
# When it is built, dkms looks for what the scripts of the source mention, which the provenance tells.
foreign
trees=("${trees[@]:0:6}" --cache-dir "$work/cache")
printf '#!/bin/sh\ntest -e /usr/local/topsecret/file\n' > "$work/private/script.sh"
chmod 0700 "$work/private/script.sh"
swapping "$work/joe/mod" "$work/joe/other" mod.ko 1 build mod/1.0 -k $K
ok "the source is exchanged after make" test -e "$work/done"
ok "the build has a provenance" test -s "$dkmstree/mod/1.0/$K/$arch/log/provenance.json"
secret_is_safe "what a script of root's mentions is not told"

# After a build that made nothing, dkms looks for what the makefiles name.
for at in private joe/mod; do
	foreign 'MAKE="true"'
	echo "-include $work/joe/topsecret" > "$work/$at/Rules"
	: > "$work/joe/topsecret"
	chmod 0600 "$work/private"/*
	ln -s "$work/$at/Rules" "$work/joe/mod/Kbuild"
	chown -hR $joe:$joe "$work/joe"
	run_dkms build mod/1.0 -k $K
	is "$status" 7 "a build that makes nothing"
	if [ $at = private ]; then
		secret_is_safe "what a makefile of root's names is not told"
	else
		like "$(cat "$work/err")" "builds do not see $work/joe/topsecret" "what one of his own names is"
	fi
done

for n in {1..12}; do
	foreign
	dkms remove mod/1.0 --all > "$work/out"
	rm "$sourcetree/mod-1.0"
	swapping "$work/joe/mod" "$work/joe/other" mod $n add "$work/joe/mod"
	[ -e "$work/done" ] || break
	secret_is_safe "add DIRECTORY: exchanged at opening $n"
done
# A directory that was added and built is compared with the copy.
for at in mod secret m.c; do
	for n in {1..12}; do
		foreign
		dkms remove mod/1.0 --all > "$work/out"
		rm "$sourcetree/mod-1.0"
		dkms build "$work/joe/mod" -k $K > "$work/out"
		[ $at != secret ] || echo mine > "$work/joe/mod/secret"
		[ $at = mod ] || chmod 0711 "$work/private"
		swapping "$work/joe/mod" "$work/joe/other" $at $n build "$work/joe/mod" -k $K
		[ -e "$work/done" ] || break
		secret_is_safe "build DIRECTORY: exchanged at opening $n of $at"
		[ $at != mod ] || is "$(grep -cw secret "$work/out" "$work/err" | paste -sd' ')" \
			"$work/out:0 $work/err:0" "no name of root's is told"
	done
done
# Root's own file by another name: what it has is not compared.
if [ "$(stat -f -c %d "$work/joe")" = "$(stat -f -c %d "$work/private")" ]; then
	foreign
	dkms remove mod/1.0 --all > "$work/out"
	rm "$sourcetree/mod-1.0"
	echo guessed > "$work/joe/mod/guess"
	dkms build "$work/joe/mod" -k $K > "$work/out"
	ln -f "$work/private/secret" "$work/joe/mod/guess"
	dkms_exits 1 "build of an added directory that has another name of root's file" build "$work/joe/mod" -k $K
	like "$err" "cannot compare .*/guess: others than root decide" "says why"
fi
for n in {1..12}; do
	foreign
	dkms build mod/1.0 -k $K > "$work/out"
	ln -s "$work/private/secret" "$work/joe/conf"
	swapping "$work/joe/mod/dkms.conf" "$work/joe/conf" dkms.conf $n mktarball mod/1.0 -k $K --binaries-only --archive "$work/out.tar"
	[ -e "$work/done" ] || break
	secret_is_safe "mktarball --binaries-only: dkms.conf exchanged at opening $n"
done

# Another name of root's file: before protected_hardlinks, and where it is off, anybody could make it.
foreign 'MAKE="cat stolen; false"'
ln "$work/private/secret" "$work/joe/mod/stolen"
dkms_exits 1 "a build of another name of root's file fails" build mod/1.0 -k $K
like "$err" "stolen.*(owner|readable)" "the error names the file"
like "$err" "chmod" "the error has a remedy"
for command in "mktarball --source-only --archive $work/out.tar" "mkdeb --archive $work/out.deb"; do
	# shellcheck disable=SC2086
	run_dkms ${command%% *} mod/1.0 ${command#* }
	ok "${command%% *} of it fails" test "$status" -ne 0
done
secret_is_safe "nothing has copied it"

# The same in a directory of the user's below a source of root's.
machine
kernel $K
module mod 1.0 'MAKE="cat sub/stolen; false"'
mkdir "$sourcetree/mod-1.0/sub"
chown $joe "$sourcetree/mod-1.0/sub"
ln "$work/private/secret" "$sourcetree/mod-1.0/sub/stolen"
dkms add mod/1.0 > "$work/out"
dkms_exits 1 "a build of another name in a user's subdirectory fails" build mod/1.0 -k $K
rm "$sourcetree/mod-1.0/sub/stolen"
secret_is_safe "it was not copied"

# What the user may read is built, also from directories that nobody else may enter.
foreign
chmod -R go-rwx "$work/joe"
setpriv --reuid=$joe --regid=$joe --clear-groups chmod 0600 "$work/joe/mod/mod.c"
chmod 0755 "$work/joe" "$work/joe/mod"
chmod 0644 "$work/joe/mod/dkms.conf"
dkms_exits 0 "a user's own private files are built" build mod/1.0 -k $K
machine
kernel $K
module mod 1.0
chmod 0600 "$sourcetree/mod-1.0/mod.c"
dkms_exits 0 "and root's, of a source of root's" build mod/1.0 -k $K

# What is built of one source is not kept for another one.
machine
kernel $K
trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree" --cache-dir "$work/cache")
# Exchanges the source while it is copied, and back. Fails if there is no such opening.
exchanged() # NAME N BACK
{
	rm -rf "${work:?}"/{joe,cache,genuine} "$dkmstree/mod" "$sourcetree/mod-1.0"
	mkdir "$work/joe"
	module mod 1.0
	cp -a "$sourcetree/mod-1.0" "$work/genuine"
	mv "$sourcetree/mod-1.0" "$work/joe/mod"
	cp -a "$work/joe/mod" "$work/joe/evil"
	echo 'MODULE_INFO(evil, "yes");' >> "$work/joe/evil/mod.c"
	chown -R $joe:$joe "$work/joe"
	ln -s "$work/joe/mod" "$sourcetree/mod-1.0"
	sleep 0.1
	dkms add mod/1.0 > "$work/out"
	export SWAP_BACK=$3
	swapping "$work/joe/mod" "$work/joe/evil" "$1" "$2" build mod/1.0 -k $K
	unset SWAP_BACK
	[ -e "$work/done" ] || return 1
	dkms remove mod/1.0 --all > "$work/out"
	rm "$sourcetree/mod-1.0"
	mv "$work/genuine" "$sourcetree/mod-1.0"
	dkms add mod/1.0 > "$work/out"
	dkms_exits 0 "exchanged at opening $2 of $1, back at $3: the genuine source is built" build mod/1.0 -k $K
	is "$(module_field evil "$dkmstree/mod/1.0/$K/$arch/module/mod.ko")" "" "it has the genuine module"
}

for name in mod source; do
	for n in {1..12}; do
		exchanged $name $n make.log || break
	done
done

# The user's own changes do not keep such a source from the cache.
exchanged mod 99 make.log || true
dkms remove mod/1.0 --all > "$work/out"
dkms add mod/1.0 > "$work/out"
dkms_exits 0 "a user's source that nobody exchanges is built" build mod/1.0 -k $K
like "$out" "from the cache" "its module is from the cache"

finish
