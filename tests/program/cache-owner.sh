#!/bin/bash
# Root uses nothing in the cache that another user could have written: no directory above it, none of
# its directories, none of its files, and nothing behind a link. It says so once, builds, and waits
# for nothing.
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"

[ -n "$private" ] || skip_all "no mount namespace"
touch "$work/other"
chown 12345:12345 "$work/other" 2> /dev/null || skip_all "the owner of files cannot be changed"

cached_machine
module m 1.0
dkms add m/1.0 > /dev/null
dkms build m/1.0 -k $K > /dev/null
dkms unbuild m/1.0 -k $K > /dev/null
run_dkms build m/1.0 -k $K
like "$out" "from the cache" "the module is in the cache"
cp "$dkmstree/m/1.0/$K/$arch/module/m.ko" "$work/right.ko"
cp -a "$cache" "$work/good"
theirs=$work/theirs

# Builds with the cache as it is, and checks the warning. Nothing may change in $theirs.
builds() # WARNING DESCRIPTION
{
	local before

	before=$(ls -lR "$theirs" 2> /dev/null || true)
	dkms unbuild m/1.0 -k $K > /dev/null 2>&1
	status=0
	timeout 60 "$DKMS" build m/1.0 -k $K "${trees[@]}" > "$work/out" 2> "$work/err" < /dev/null || status=$?
	is "$status" 0 "$2: the build succeeds"
	ok "$2: the module is right" cmp -s "$work/right.ko" "$dkmstree/m/1.0/$K/$arch/module/m.ko"
	ok "$2: it is not from the cache" sh -c "! grep -q 'from the cache' '$work/out'"
	like "$(cat "$work/err")" "$1" "$2: it says why"
	is "$(wc -l < "$work/err")" 1 "$2: in one line"
	is "$(ls -lR "$theirs" 2> /dev/null || true)" "$before" "$2: nothing is written behind a link"
}

# Restores the cache as it was, and sets $entry and $object to files in it.
restore_cache()
{
	rm -rf "$cache" "$theirs"
	cp -a "$work/good" "$cache"
	entry=$(grep -l '^title m/' -r "$cache/v1/entries")
	object=$(sed -n 's/^file \([0-9a-f]*\) .*module.m.ko$/\1/p' "$entry" | sed "s,^..,$cache/v1/objects/&/,")
}

# What is at the path becomes another user's, others can write to it, or it becomes a link to what
# another user has.
becomes() # PATH HOW
{
	case $2 in
	theirs) chown 12345 "$1" ;;
	writable) chmod o+w "$1" ;;
	group-writable) chmod g+w "$1" ;;
	link) mkdir -p "$theirs"; mv "$1" "$theirs/what"; chown -R 12345 "$theirs"; ln -s "$theirs/what" "$1" ;;
	esac
}

# The directories without which nothing can be used.
for how in theirs writable group-writable link; do
	for part in "" /v1 /v1/objects /v1/entries /v1/tmp; do
		restore_cache
		becomes "$cache$part" $how
		case $how:$part in
		link:) builds "^dkms: warning: the cache is not used: users other than root may (write to|change) " "$how the cache itself" ;;
		link:*) builds "^dkms: warning: the cache is not used: cannot use $cache$part: Not a directory" "$how: $part" ;;
		*) builds "^dkms: warning: the cache is not used: users other than root may write to $cache$part\$" "$how: ${part:-the cache itself}" ;;
		esac
	done
done

# A directory above the cache.
restore_cache
mkdir "$work/above"
mv "$cache" "$work/above/cache"
mine=$cache
cache=$work/above/cache
trees=("${trees[@]/#$mine/$cache}")
chown 12345 "$work/above"
builds "^dkms: warning: the cache is not used: users other than root may change $work/above" "another user's directory above"
chown 0 "$work/above"
chmod 777 "$work/above"
builds "^dkms: warning: the cache is not used: users other than root may change $work/above" "a directory above that all can write to"
chmod 1777 "$work/above"
dkms unbuild m/1.0 -k $K > /dev/null
run_dkms build m/1.0 -k $K
like "$out" "from the cache" "a directory above like /tmp is used"
mkdir -m 777 "$work/planted"
chown 12345 "$work/planted"
chmod 755 "$work/planted"
ln -s "$work/planted/cache" "$work/above/link"
mkdir "$work/planted/cache"
chown -h 12345 "$work/above/link"
was=$cache
cache=$work/above/link
trees=("${trees[@]/#$was/$cache}")
builds "^dkms: warning: the cache is not used: users other than root may change $work/above/link" "a link of another user to a directory"
is "$(ls "$work/planted/cache")" "" "a link of another user: nothing is made behind it"
trees=("${trees[@]/#$cache/$mine}")
cache=$mine

# A file, or the directory that it is in. The next build finds the result of this one.
for file in entry object; do
	for level in file directory; do
		for how in theirs writable group-writable link; do
			restore_cache
			path=${!file}
			[ $level = file ] || path=${path%/*}
			becomes "$path" $how
			case $how in
			link) what="was damaged" ;;
			*) what="could have been written by other users" ;;
			esac
			builds "^dkms: warning: cache: $path $what and has been removed" "$how: the $level of an $file"
			dkms unbuild m/1.0 -k $K > /dev/null
			run_dkms build m/1.0 -k $K
			is "$out$(cat "$work/err")" "dkms: m/1.0 for $K: built from the cache" "$how: the $level of an $file: the next build is a hit"
		done
	done
done

# Other files: only the message and the time that is saved depend on them.
listing=$(find "$work/good/v1/trees" -type f ! -name files | sort | head -n 1)
for part in files trees/files "trees/${listing##*/}" counters; do
	for how in theirs writable link fifo; do
		restore_cache
		[ -e "$cache/v1/$part" ] || continue
		if [ $how = fifo ]; then
			rm "$cache/v1/$part"
			mkfifo "$cache/v1/$part"
		else
			becomes "$cache/v1/$part" $how
		fi
		dkms unbuild m/1.0 -k $K > /dev/null 2>&1
		restore=$(timeout 60 "$DKMS" build m/1.0 -k $K "${trees[@]}" 2> "$work/err" < /dev/null)
		like "$restore" "m/1.0 for $K: built" "$how: $part: the build succeeds"
		timeout 60 "$DKMS" cache verify "${trees[@]}" > /dev/null 2>&1 < /dev/null || true # reads all files
		ok "$how: $part: it is a regular file of root's" \
			test "$(stat -c '%F %u' "$cache/v1/$part")" = "regular file 0" -o ! -e "$cache/v1/$part"
	done
done
for file in entry object; do
	restore_cache
	rm "${!file}"
	mkfifo "${!file}"
	builds "^dkms: warning: cache: ${!file} was damaged and has been removed" "a FIFO in place of an $file"
done
restore_cache
rm -f "$cache/v1/history"
mkfifo "$cache/v1/history"
dkms unbuild m/1.0 -k $K > /dev/null 2>&1
ok "a FIFO in place of the history: the build does not wait" timeout 60 "$DKMS" build m/1.0 -k $K "${trees[@]}"
ok "a FIFO in place of the history: cache verify does not wait" sh -c "timeout 60 '$DKMS' cache verify --cache-dir '$cache' 2>/dev/null; test \$? -le 1"

# Cleaning up does not follow a link either.
restore_cache
mkdir "$theirs"
cp -a "${object%/*}" "$theirs/what"
rm -r "${object%/*}"
ln -s "$theirs/what" "${object%/*}"
before=$(ls -R "$theirs")
dkms cache clear > /dev/null
is "$(ls -R "$theirs")" "$before" "cache clear removes nothing behind a link"

# The digest of a file tells its content to whoever can guess that. A source may lead to a file that only
# root may read, by a link.
restore_cache
chmod 755 "$cache/v1" # as earlier versions of dkms have left it
mkdir -m 700 "$work/roots"
echo 4711 > "$work/roots/pin"
chmod 600 "$work/roots/pin"
ln -s "$work/roots/pin" "$sourcetree/m-1.0/link"
digest=$(sha256sum "$work/roots/pin" | cut -d' ' -f1)
dkms build m/1.0 -k $K --force > /dev/null
dkms cache why m/1.0 -k $K > /dev/null
like "$(grep -rla "$digest" "$cache")" "$cache" "root's cache has the digest of root's file"
user=(setpriv --reuid=4242 --regid=4242 --clear-groups)
if "${user[@]}" true 2> /dev/null; then
	is "$("${user[@]}" grep -rla "$digest" "$cache" "$dkmstree" 2> /dev/null)" "" "nobody else can read it"
	is "$("${user[@]}" find "$cache" -type f 2> /dev/null | grep -v CACHEDIR.TAG)" "" "nor anything else in the cache"
else
	skip "needs several users" "what others can read"
fi
is "$(stat -c %a "$cache/v1")" 700 "an existing cache is closed"
# Without a record of what was read, the provenance has parts of the key, which are made of such digests.
dkms build m/1.0 -k $K --force --sandbox=off > /dev/null 2>&1
provenance=$dkmstree/m/1.0/$K/$arch/log/provenance.json
ok "(the provenance has parts of the key)" grep -q '"key-part"' "$provenance"
is "$(stat -c %a "$provenance")" 600 "then it is root's alone"
finish
