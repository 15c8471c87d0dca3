#!/bin/bash
# What changes while a build runs: its result is not kept, since it is unknown whether the build saw
# it before or after. And manifests that no build has written: they are never a hit.
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"
[ -n "$private" ] && [ "$(id -u)" -eq 0 ] && [ "$real_user" -eq 0 ] || skip_all "needs root and a mount namespace"

n_scripts=0

# Makes the build run a command, wait for the test, and run a second one.
waits() # COMMAND COMMAND
{
	n_scripts=$((n_scripts + 1))
	write_script "$sourcetree/m-1.0/pre.sh" "# $n_scripts" "$1" 'touch ready' \
		'until [ -e go ]; do sleep 0.02; done' "$2" 'rm ready go'
}

# Prints the directory of the build that waits.
find_waiting()
{
	find "$dkmstree/m/1.0" -name ready -printf '%h\n' 2> /dev/null || true
}

# Starts such a build, runs COMMAND while it waits, and lets it end.
builds_during() # COMMAND...
{
	local dir='' before after

	dkms unbuild m/1.0 -k $K > /dev/null 2>&1
	read -r -a before <<< "$(counters)"
	run_dkms build m/1.0 -k $K &
	dkms_job=$!
	until [ -n "$dir" ]; do
		dir=$(find_waiting)
		kill -0 $dkms_job || break
	done
	"$@"
	[ -z "$dir" ] || touch "$dir/go"
	wait $dkms_job
	err=$(cat "$work/err")
	read -r -a after <<< "$(counters)"
	moved="$((after[0] - before[0])) $((after[1] - before[1])) $((after[2] - before[2])) $((after[3] - before[3]))"
}

not_kept() # DESCRIPTION REASON COMMAND...
{
	builds_during "${@:3}"
	is "$moved" "0 1 0 0" "$1: nothing is kept"
	like "$err" "^dkms: warning: not kept: $2\$" "$1: a warning says why"
	builds_during true
	is "$moved" "$miss" "$1: it is built again"
}

put() # TEXT PATH
{
	mkdir -p "${2%/*}"
	echo "$1" > "$2"
}

# Writes other bytes in place, with the same size, and sets the times back.
rewrite() # PATH
{
	touch -r "$1" "$work/times"
	printf 'two\n' | dd of="$1" conv=notrunc status=none
	touch -r "$work/times" "$1"
}

replace() # TEXT PATH
{
	echo "$1" > "$2.new"
	mv "$2.new" "$2"
}

change_back() # PATH
{
	cp "$1" "$work/before"
	echo >> "$1"
	cp "$work/before" "$1"
}

swap() # DIR DIR
{
	mv "$1" "$1.old"
	mv "$2" "$1"
}

files()
{
	local file=/opt/way/file headers=$machine/usr/src/linux-headers-$K

	put one $file
	waits "cat $file" true
	not_kept "a file is deleted" "$file changed while it was built" rm $file
	put one $file
	waits "cat $file" true
	not_kept "a file is replaced" "$file changed while it was built" replace two $file
	waits "cat $file" "cat $file"
	not_kept "a file is replaced and read again" "$file changed while it was built" replace one $file
	waits "cat $file" true
	not_kept "a file is rewritten" "$file changed while it was built" rewrite $file
	waits true "cat $file"
	not_kept "a file is replaced before it is read" "$file changed while it was built" replace two $file
	put one /opt/other/unrelated
	waits "cat $file" true
	builds_during put two /opt/other/unrelated
	is "$moved" "$miss" "a file that is not read changes: the result is kept"
	waits 'ls /opt/way' true
	not_kept "a listing changes" "/opt/way changed while it was built" put new /opt/way/new
	waits true true
	not_kept "a source file is changed and changed back" "$sourcetree/m-1.0/m.c changed while it was built" \
		change_back "$sourcetree/m-1.0/m.c"
	waits 'cat $kernel_source_dir/Makefile' true
	not_kept "a header is changed and changed back" "$headers/Makefile changed while it was built" \
		change_back "$headers/Makefile"
}

links()
{
	put one /opt/v1/file
	put two /opt/v2/file
	ln -sfn v1 /opt/current
	waits 'cat /opt/current/file' true
	not_kept "a link is changed" "/opt/current changed while it was built" ln -sfn v2 /opt/current
	waits 'cat /opt/current/file' true
	not_kept "a link is removed" "/opt changed while it was built" rm /opt/current
	mkdir -p /opt/parts
	mv /opt/v1 /opt/v2 /opt/parts
	waits 'cat /opt/parts/v1/file' true
	not_kept "a directory is replaced" "/opt/parts(/v1/file)? changed while it was built" \
		swap /opt/parts/v1 /opt/parts/v2
	waits 'exec 9< /opt/parts' 'cat /proc/self/fd/9/v1/file'
	builds_during mv /opt/parts /opt/moved
	is "$moved" "0 1 0 0" "a directory is renamed: nothing is kept"
	like "$err" "^dkms: warning: not kept: /opt(/parts|/moved)? changed while it was built\$" "a directory is renamed: a warning says why"
	waits 'head -n 1 /usr/lib/os-release' true
	not_kept "a file comes into /usr/local" "/usr/local/lib/os-release changed while it was built" \
		put new /usr/local/lib/os-release
	rm -r /usr/local/lib
}

come_and_go() # DIR
{
	mount -t tmpfs dkms-test "$1"
	umount "$1"
}

mounts()
{
	local reason="file systems were mounted while it was built"

	put one /opt/here/file
	put two /opt/there/file
	mount --make-shared /opt
	waits true 'cat /opt/here/file'
	not_kept "a directory is mounted over another" "$reason" mount --bind /opt/there /opt/here
	umount /opt/here
	waits 'cat /opt/here/file' true
	not_kept "a file system comes and goes" "$reason" come_and_go /opt/here
	mount --make-private /opt
	mount --bind "$work" "$work"
	mount --make-shared "$work"
	mkdir "$work/hidden"
	waits 'cat /opt/here/file' true
	builds_during mount -t tmpfs dkms-test "$work/hidden"
	is "$moved" "$miss" "something is mounted where builds cannot see it: the result is kept"
	umount "$work/hidden" "$work"
}

# Stops dkms while the build opens more files than the kernel's queue holds.
overflow()
{
	local n

	n=$(cat /proc/sys/fs/fanotify/max_queued_events)
	if [ "$n" -gt 50000 ]; then
		skip "the queue holds $n" "the kernel's queue is full"
		return
	fi
	mkdir /opt/many
	(cd /opt/many && seq $((n + 1)) | xargs touch)
	waits true 'find /opt/many -type f -exec cat {} + ; touch done; until [ -e again ]; do sleep 0.02; done; rm done again'
	builds_during stop_dkms
	is "$moved" "0 1 0 0" "the kernel's queue is full: nothing is kept"
	like "$err" "^dkms: warning: not kept: it opened more files than the kernel could report\$" \
		"the kernel's queue is full: a warning says so"
	rm -r /opt/many
}

stop_dkms()
{
	local dir pid

	dir=$(find_waiting)
	pid=$(pgrep -f "^${DKMS:?} build m/1.0")
	kill -STOP $pid
	touch "$dir/go"
	until [ -e "$dir/done" ]; do sleep 0.02; done
	touch "$dir/again"
	kill -CONT $pid
}

kills()
{
	write_script "$sourcetree/m-1.0/pre.sh" 'kill -KILL -1'
	dkms unbuild m/1.0 -k $K > /dev/null 2>&1
	counted build m/1.0 -k $K
	is "$status $moved" "1 0 1 0 0" "a script that kills all processes it sees: the build fails, nothing is kept"
}

# Makes a text the manifest of the result in the cache.
forge() # FILE
{
	local entry digest

	entry=$(grep -rl ' manifest$' "$cache/v1/entries")
	digest=$(sha256sum < "$1")
	digest=${digest%% *}
	mkdir -p "$cache/v1/objects/${digest:0:2}"
	cp "$1" "$cache/v1/objects/${digest:0:2}/${digest:2}"
	sed -e '/^end /d' -e "s/^part .* manifest\$/part $digest manifest/" "$entry" > "$work/entry"
	digest=$(sha256sum < "$work/entry")
	echo "end ${digest%% *}" >> "$work/entry"
	cp "$work/entry" "$entry"
}

# Builds with a manifest that has further lines, sorted as dkms writes them; with those of a file,
# if there is one.
forged() # COUNTERS DESCRIPTION LINE...
{
	{
		sed '$d' "$work/manifest"
		[ $# -eq 2 ] || printf '%s\n' "${@:3}"
	} | sed 1d | sort -k 1,1 -k 3 | sed '1i dkms manifest 1' > "$work/forged"
	echo end >> "$work/forged"
	built_with "$1" "$2"
}

# Builds with the manifest in forged.
built_with() # COUNTERS DESCRIPTION
{
	forge "$work/forged"
	builds "$1" "$2"
	ok "$2: one line at most" test "$(wc -l < "$work/err")" -le 1
	rm -rf "${cache:?}"
	cp -a "$work/cache" "$cache"
}

manifests()
{
	local digest damaged="0 1 1 1"

	write_script "$sourcetree/m-1.0/pre.sh" 'cat /opt/here/file'
	rm -rf "${cache:?}"
	builds_cached "$miss" "a new cache"
	cp -a "$cache" "$work/cache"
	digest=$(sed -n 's/^part \(.*\) manifest$/\1/p' "$cache"/v1/entries/*/*)
	cp "$cache/v1/objects/${digest:0:2}/${digest:2}" "$work/manifest"
	digest=$(sha256sum < /dev/null)
	digest=${digest%% *}
	forged "$hit" "a manifest as it was"
	forged "$miss" "an item more" "file $digest /opt/none"
	: > /opt/empty
	forged "$hit" "an item more, which is true" "file $digest /opt/empty"
	mkdir /opt/loop
	ln -s b /opt/loop/a
	ln -s a /opt/loop/b
	forged "$miss" "a file in a cycle of links" "file $digest /opt/loop/a" "link b /opt/loop/a" "link a /opt/loop/b"
	mkfifo /opt/fifo
	for file in /dev/zero /dev/null /opt/fifo /opt /proc/kmsg /proc/kcore /proc/self/mem; do
		forged "$miss" "$file as a file" "file $digest $file"
		forged "$miss" "$file as a directory" "dir $digest $file"
	done
	forged "$miss" "a path with a line end" "file $digest /opt/a\\012b"
	printf '' > $'/opt/a\nb'
	forged "$hit" "a path with a line end, which exists" "file $digest /opt/a\\012b"
	forged "$damaged" "a line end in a path" "file $digest /opt/a"$'\n'"b"
	forged "$damaged" "an unknown kind" "hash $digest /opt/empty"
	forged "$damaged" "a relative path" "file $digest opt/empty"
	forged "$damaged" "a short digest" "file ${digest%?} /opt/empty"
	sed '1s/1/2/' "$work/manifest" > "$work/forged"
	built_with "$damaged" "a manifest of another version"
	head -n 3 "$work/manifest" > "$work/forged"
	built_with "$damaged" "a manifest without its end"
	: > "$work/forged"
	built_with "$damaged" "an empty manifest"
	head -c 100000 /dev/zero > "$work/forged"
	built_with "$damaged" "zeros"
	{ echo 'dkms manifest 1'; seq -f 'exists no /%.0f' 1000000; echo end; } > "$work/forged"
	built_with "$damaged" "a million lines"
}

# An entry of the version before has no manifest, and one of the version before that another format.
old_entries()
{
	local entry digest

	entry=$(grep -rl ' manifest$' "$cache/v1/entries")
	sed -e '/^end /d' -e '/ manifest$/d' "$entry" > "$work/entry"
	digest=$(sha256sum < "$work/entry")
	echo "end ${digest%% *}" >> "$work/entry"
	cp "$work/entry" "$entry"
	builds "$miss" "an entry without a manifest"
	rm -rf "${cache:?}"
	cp -a "$work/cache" "$cache"
	sed -i '1s/1$/0/' "$entry"
	builds_cached "0 1 1 1" "an entry of another format"
	builds "$hit" "an entry of another format: it is replaced"
}

cached_machine
module m 1.0 PRE_BUILD=pre.sh
write_script "$sourcetree/m-1.0/pre.sh" true
dkms add m/1.0 > /dev/null
files
links
mounts
overflow
kills
manifests
old_entries
finish
