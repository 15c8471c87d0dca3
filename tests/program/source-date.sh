#!/bin/bash
# SOURCE_DATE_EPOCH: two runs leave the same bytes and times in all trees, whether they build or find
# the modules in the cache, and make the same archives.
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"

[ -n "$private" ] || skip_all "needs a mount namespace"

date=1600000000
earlier=1500000000

# A machine with a kernel that has a module of its own, two versions of which dkms will replace, and
# with sources that are partly older than the date. All that is there before dkms runs is older.
new_machine()
{
	rm -rf "$machine"
	mkdir -p "$dkmstree" "$sourcetree" "$installtree" "$machine/given"
	kernel $K .xz
	kernel_module $K "kernel/fs/two.ko.xz"
	kernel_module $K "kernel/net/two.ko.xz"
	module one 1.0 'POST_BUILD="post.sh"'
	write_script "$sourcetree/one-1.0/post.sh" 'echo "post $RANDOM $$"'
	module two 2.0 'BUILD_DEPENDS[0]=one' 'BUILD_DEPENDS_REBUILD=yes'
	# Its output is different each time.
	printf '%s\n' 'modules: noise' 'noise:; @date +%N; echo "# elapsed $$$$"' >> "$sourcetree/two-2.0/Makefile"
	echo "const char *built = \"\$SOURCE_DATE_EPOCH\";" > "$sourcetree/two-2.0/note"
	module three 3.0 'MAKE[0]="make -j4 -C $kernel_source_dir M=$dkms_tree/$module/$module_version/build -j $parallel_jobs"'
	mv "$sourcetree/three-3.0" "$machine/given/"
	find "$machine" -exec touch -h -d @$earlier {} +
	touch -d @$((date + 1000)) "$machine/given/three-3.0/Makefile"
}

# Prints what an image has of the trees: types, modes, times, sizes, links and content.
image()
{
	local tree

	for tree in "$dkmstree" "$sourcetree" "$installtree"; do
		(cd "$tree" && find . -printf '%p %y %m %T@ %l\n' && find . -type f -exec sha256sum {} +) | sort
	done
}

# Prints what is later than the date.
later() { find "$dkmstree" "$sourcetree" "$installtree" -newermt "@$date" -printf '%p %T@\n'; }

# Builds an image and keeps what it has as $work/NAME.
make_image() # NAME [OPTION...]
{
	local name=$1

	shift
	new_machine
	dkms_exits 0 "$name: add a directory" add "$machine/given/three-3.0" "$@"
	dkms_exits 0 "$name: add" add one/1.0 "$@"
	dkms_exits 0 "$name: build" build one/1.0 -k $K "$@"
	dkms_exits 0 "$name: install" install one/1.0 -k $K "$@"
	dkms_exits 0 "$name: build and install" install two/2.0 -k $K "$@"
	dkms_exits 0 "$name: autoinstall" autoinstall -k $K "$@"
	image > "$work/$name"
	is "$(later)" "" "$name: no time is later"
}

images()
{
	export SOURCE_DATE_EPOCH=$date
	make_image first --no-cache
	is "$(state two 2.0 $K) $(state three 3.0 $K)" "installed installed" "the modules are installed"
	ok "an original was moved away" test -e "$dkmstree/two/original_module/$K/$arch/collisions/kernel/net/two.ko.xz.origin"
	like "$(grep ' f .*three-3.0/Makefile\|three-3.0/dkms.conf f' "$work/first" | cut -d' ' -f 4 | sort -u | tr '\n' ' ')" \
		"^$earlier.0+ $" "earlier times stay"
	is "$(stat -c %Y "$sourcetree/three-3.0/Makefile" "$sourcetree/three-3.0/three.c" | tr '\n' ' ')" \
		"$date $earlier " "only later times change in a copied source"
	sleep 1.1 # whole seconds that differ would show
	TZ=Asia/Tokyo make_image second --no-cache -j1
	ok "two images without a cache are the same" diff "$work/first" "$work/second"
	make_image miss
	# With a cache, more is known of where the modules come from.
	ok "an image with a cache is the same" diff <(grep -v provenance "$work/first") <(grep -v provenance "$work/miss")
	is "$(counters | cut -d' ' -f 1,3)" "0 3" "its modules were built and kept"
	make_image hit
	ok "an image with modules from the cache is the same" diff "$work/miss" "$work/hit"
	is "$(counters | cut -d' ' -f 1,3)" "3 3" "its modules were in the cache"
}

logs()
{
	local log=$dkmstree/two/2.0/$K/$arch/log/make.log

	is "$(sed -n 2p "$log")" "Sun Sep 13 12:26:40 UTC 2020" "the log has the date"
	is "$(grep -c '^# command: \|^# exit code: 0' "$log")" 4 "it has the command and its exit code"
	is "$(grep -c 'elapsed\|LD ' "$log")" 0 "it has neither durations nor output"
	like "$(grep '^# command: make' "$dkmstree/three/3.0/$K/$arch/log/make.log")" \
		"^# command: make KERNELRELEASE=$K -C [^ ]+ M=[^ ]+$" "the number of jobs is left out of a command"
	module bad 1.0
	echo '#error "no"' >> "$sourcetree/bad-1.0/bad.c"
	dkms_exits 10 "a build that fails" build bad/1.0 -k $K
	like "$(cat "$dkmstree/bad/1.0/build/make.log")" '#error "no"' "its log has the output"
	unset SOURCE_DATE_EPOCH
	counted build three/3.0 -k $K --force
	dkms unbuild three/3.0 -k $K > /dev/null
	counted build three/3.0 -k $K
	like "$(cat "$dkmstree/three/3.0/$K/$arch/log/make.log")" "elapsed time" "without the variable, the log is complete"
	export SOURCE_DATE_EPOCH=$((date + 1))
	dkms unbuild three/3.0 -k $K > /dev/null
	counted build three/3.0 -k $K
	is "$moved" "$miss" "another date is another key"
}

# Files of the same size and time may differ.
status_compares()
{
	local file=$installtree/$K/$dest/two.ko.xz

	export SOURCE_DATE_EPOCH=$date
	is "$(dkms status two/2.0 -k $K 2>&1 | grep -c -i differ)" 0 "the installed file is that in the tree"
	printf x | dd of="$file" seek=100 bs=1 conv=notrunc status=none
	touch -d @$date "$file"
	is "$(dkms status two/2.0 -k $K 2>&1 | grep -c -i differ)" 1 "a file of the same size and time that differs is noticed"
}

archives()
{
	local n word packages=

	! command -v dpkg-deb > /dev/null || packages+=" mkdeb:deb"
	! command -v rpmbuild > /dev/null || packages+=" mkrpm:rpm"
	export SOURCE_DATE_EPOCH=$date
	for n in 1 2; do
		make_image archives$n --no-cache
		dkms mktarball two/2.0 -k $K --archive "$work/$n.tar.gz" > /dev/null
		dkms mktarball two/2.0 -k $K > /dev/null
		dkms mktarball one/1.0 -k $K --binaries-only --archive "$work/$n.tar.xz" > /dev/null
		for word in $packages; do
			dkms ${word%:*} two/2.0 -k $K --binaries-only --archive "$work/$n.${word#*:}" > /dev/null
			dkms ${word%:*} two/2.0 --archive "$work/$n.source.${word#*:}" > /dev/null
		done
		is "$(later)" "" "an archive in the tree is not later"
		sleep 1.1
	done
	ok "two archives are the same" cmp "$work/1.tar.gz" "$work/2.tar.gz"
	for word in $packages; do
		ok "${word%:*}: two packages are the same" cmp "$work/1.${word#*:}" "$work/2.${word#*:}"
		ok "${word%:*}: two packages of the source are the same" cmp "$work/1.source.${word#*:}" "$work/2.source.${word#*:}"
	done
	ok "two archives without source are the same" cmp "$work/1.tar.xz" "$work/2.tar.xz"
	is "$(stat -c %Y "$work/1.tar.gz")" $date "the time of an archive"
	is "$(TZ=UTC tar -tvf "$work/1.tar.gz" --full-time | awk '{ print $4 }' | sort -u | tail -n 1)" 2020-09-13 \
		"no time in an archive is later"
	new_machine
	dkms_exits 0 "ldtarball" ldtarball "$work/1.tar.gz" --force
	is "$(later)" "" "what an archive has is not later"
	SOURCE_DATE_EPOCH=$earlier dkms ldtarball "$work/1.tar.gz" --force > /dev/null
	is "$(find "$dkmstree/two" "$sourcetree/two-2.0" -newermt "@$earlier")" "" "what an archive has may become earlier"
}

values()
{
	local value

	machine
	kernel $K
	module one 1.0
	for value in x 1x -1 1.5 ' 1' 253402300800 99999999999999999999; do
		SOURCE_DATE_EPOCH=$value dkms_exits 2 "the value '$value'" build one/1.0 -k $K
		like "$err" "SOURCE_DATE_EPOCH is '$value'" "the error has the value"
		is "$(ls "$dkmstree")" "" "nothing is done"
	done
	SOURCE_DATE_EPOCH=x dkms_exits 0 "status ignores it" status
	SOURCE_DATE_EPOCH='' dkms_exits 0 "an empty value" build one/1.0 -k $K
	like "$(cat "$dkmstree/one/1.0/$K/$arch/log/make.log")" "elapsed" "it is the same as none"
	SOURCE_DATE_EPOCH=0 dkms_exits 0 "the value 0" build one/1.0 -k $K --force
	is "$(stat -c %Y "$dkmstree/one/1.0/$K/$arch/module/one.ko")" 0 "it is a time"
	SOURCE_DATE_EPOCH=0 dkms_exits 0 "uninstalling" remove one/1.0 -k $K
	is "$(stat -c %Y "$dkmstree")" 0 "a directory from which something was removed"
}

cached_machine
cache=$work/cache
trees[7]=$cache
images
logs
status_compares
archives
values
finish
