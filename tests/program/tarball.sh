#!/bin/bash
# mktarball, ldtarball and archives as arguments, on kernels of the fixture: names, content and exit
# statuses, and that no file is left when an archive is refused. Descriptions name the section of
# the contract (compat) that they test.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64

# Makes a machine with two kernels and hello/1.0, built for both.
with_hello()
{
	machine
	kernel $K
	kernel $K7
	module hello 1.0
	dkms build hello/1.0 -k $K -k $K7 > /dev/null
	tarballs=$dkmstree/hello/1.0/tarball
}

# Makes another machine, which has no modules.
other_machine()
{
	machine
	kernel $K
	kernel $K7
}

hidden() { find "$@" -mindepth 1 -maxdepth 1 -name '.*'; }

members() { tar -tf "$1" | grep -v '/$' | sed 's!^\./!!' | sort; }

names()
{
	with_hello
	dkms_exits 0 "compat 2: mktarball" mktarball hello/1.0 -k $K
	like "$out" "$tarballs/hello-1.0-kernel$K-$arch.dkms.tar.gz" "mktarball prints the path"
	dkms_exits 0 "compat 2: mktarball of two kernels" mktarball hello/1.0 -k $K -k $K7/$arch
	dkms_exits 0 "compat 2: mktarball --source-only" mktarball hello/1.0 --source-only
	is "$(ls "$tarballs")" "$(printf 'hello-1.0-%s.dkms.tar.gz\n' "kernel$K-$arch-kernel$K7-$arch" \
		"kernel$K-$arch" source-only)" "compat 2: mktarball names the kernels, or source-only"
	is "$(find "$tarballs" -name '.*' -o -name '*XX*' -o -newer "$DKMS" -type d -name 'dkms-*')" "" \
		"no temporary file is left"
	rm "$tarballs"/*
	dkms_exits 0 "compat 3: mktarball --all packs every kernel that it is built for" mktarball hello/1.0 --all
	is "$(ls "$tarballs")" "hello-1.0-kernel$K-$arch-kernel$K7-$arch.dkms.tar.gz" "the name has all kernels"

	many=()
	for n in 1 2 3 4 5 6 7 8; do
		kernel "4.19.0-$n-many-amd64"
		many+=(-k "4.19.0-$n-many-amd64")
	done
	dkms build hello/1.0 "${many[@]}" > /dev/null
	rm "$tarballs"/*
	dkms mktarball hello/1.0 "${many[@]}" > /dev/null
	is "$(ls "$tarballs")" hello-1.0-manykernels.dkms.tar.gz "compat 2: the name has manykernels if the list is too long"
	is "$(members "$tarballs"/*many* | grep -c /module/hello.ko)" 8 "the archive has all kernels"
	dkms mktarball hello/1.0 "${many[@]:0:10}" > /dev/null
	is "$(find "$tarballs" -name '*kernel4*' | wc -l)" 1 "a name can have five kernels"

	dkms_exits 0 "compat 2: --archive PATH names the file" mktarball hello/1.0 -k $K --archive "$machine/my.tar.xz"
	is "$(head -c 6 "$machine/my.tar.xz" | od -An -c | tr -d ' ')" '3757zXZ\0' "the name gives the compression"
	dkms_exits 0 "compat 2: --archive=PATH makes directories" mktarball hello/1.0 -k $K "--archive=$machine/a/b/my.tar"
	is "$(tail -c 512 "$machine/a/b/my.tar" | tr -d '\0' | wc -c)" 0 "no compression for the name .tar"
	dkms_exits 0 "compat 2: --archive NAME is in the usual directory" mktarball hello/1.0 -k $K --archive my.tgz
	like "$(ls "$tarballs")" "^my.tgz$" "the archive is there"
	dkms_exits 0 "mktarball --json" mktarball hello/1.0 -k $K --archive my.tgz --json
	like "$out" "\"archive\": \"$tarballs/my.tgz\"" "the document has the path of the archive"
	like "$out" '"kernel": null' "the job has no kernel"
	cp "$tarballs/my.tgz" "$machine/first.tgz"
	dkms mktarball hello/1.0 -k $K --archive my.tgz > /dev/null
	ok "packing again gives the same bytes" cmp "$tarballs/my.tgz" "$machine/first.tgz"
}

layout()
{
	with_hello
	dkms mktarball hello/1.0 -k $K > /dev/null
	is "$(members "$tarballs/hello-1.0-kernel$K-$arch.dkms.tar.gz")" "$(printf '%s\n' \
		"dkms_main_tree/$K/$arch/"{log/{make.log,provenance.json},module/{Module.symvers,hello.ko}} \
		dkms_source_tree/{Makefile,dkms.conf,hello.c})" "compat 2: the files of a tarball"
	is "$(tar -tvf "$tarballs/hello-1.0-kernel$K-$arch.dkms.tar.gz" | awk '$2 != "root/root"')" "" \
		"all entries belong to root"
	dkms mktarball hello/1.0 --source-only > /dev/null
	is "$(members "$tarballs/hello-1.0-source-only.dkms.tar.gz")" \
		"$(printf '%s\n' dkms_source_tree/{Makefile,dkms.conf,hello.c})" "compat 2: --source-only"
	dkms mktarball hello/1.0 -k $K --binaries-only --archive bin.tar.gz > /dev/null
	is "$(members "$tarballs/bin.tar.gz")" "$(printf '%s\n' \
		dkms_binaries_only/{PACKAGE_NAME,PACKAGE_VERSION,dkms.conf} \
		"dkms_main_tree/$K/$arch/"{log/{make.log,provenance.json},module/{Module.symvers,hello.ko}})" "compat 2: --binaries-only"
	is "$(tar -xOf "$tarballs/bin.tar.gz" ./dkms_binaries_only/PACKAGE_{NAME,VERSION})" $'hello\n1.0' \
		"compat 2: the archive has PACKAGE_NAME and PACKAGE_VERSION"
}

packing_errors()
{
	with_hello
	before=$(snapshot "$machine")
	dkms_exits 8 "compat 9: --binaries-only with --source-only" mktarball hello/1.0 --binaries-only --source-only
	dkms_exits 8 "compat 9: --binaries-only with --source-only for another command" status --binaries-only --source-only
	dkms_exits 6 "compat 9: mktarball of a version that is not built" mktarball hello/1.0 -k 4.19.0-8-amd64
	like "$err" "4.19.0-8-amd64" "the error names the kernel"
	dkms_exits 1 "compat 9: mktarball without a module" mktarball
	dkms_exits 1 "compat 9: mktarball without a version" mktarball -m hello
	dkms_exits 3 "compat 9: mktarball of an unknown version" mktarball hello/2.0
	dkms_exits 9 "compat 9: tarball destination not writable" mktarball hello/1.0 -k $K --archive /proc/no/x.tar.gz
	dkms_exits 9 "compat 9: the destination is a device" mktarball hello/1.0 -k $K --archive /dev/null
	ok "the device is not replaced" test -c /dev/null
	is "$(snapshot "$machine")" "$before" "no file has changed"
	module second 1.0
	dkms add second/1.0 > /dev/null
	dkms_exits 6 "compat 9: mktarball --all of a version that is not built" mktarball second/1.0 --all
	dkms_exits 0 "the source of that version can be packed" mktarball second/1.0 --all --source-only
	echo 'BUILT_MODULE_NAME[0]=x.ko' >> "$sourcetree/second-1.0/dkms.conf"
	dkms_exits 8 "compat 9: a source with a bad dkms.conf is not packed" mktarball second/1.0 --source-only
	rm -r "$sourcetree/second-1.0"
	dkms_exits 4 "compat 11.10: a broken version is not packed" mktarball second/1.0 --source-only
}

loading()
{
	with_hello
	dkms mktarball hello/1.0 -k $K > /dev/null
	mv "$tarballs"/* "$work/hello.tar.gz"
	was=$(cd "$dkmstree/hello/1.0" && find "$K" -type f ! -path "*/log/inputs" -exec cksum {} + | sort)
	other_machine
	touch "$work/later"
	dkms_exits 0 "compat 2: ldtarball" ldtarball "$work/hello.tar.gz"
	is "$(state hello 1.0 $K)" built "compat 2: the built modules are there"
	is "$(state hello 1.0 $K7)" added "no other kernel is built"
	is "$(cd "$dkmstree/hello/1.0" && find "$K" -type f ! -name from-archive -exec cksum {} + | sort)" "$was" "the built files have the same bytes"
	is "$(readlink "$dkmstree/hello/1.0/source")" "$sourcetree/hello-1.0" "compat 1: the source is in the source tree"
	is "$(hidden "$dkmstree/hello" "$sourcetree")" "" "no temporary file is left"
	is "$(find "$sourcetree/hello-1.0" -type f -newer "$work/later")" "" "files keep their times"
	dkms_exits 0 "the built modules can be installed" install hello/1.0 -k $K
	like "$out" ": installed$" "they are not built again"
	dkms_exits 0 "the source can be built for another kernel" install hello/1.0 -k $K7

	before=$(snapshot "$dkmstree" "$sourcetree")
	dkms_exits 8 "compat 9: the archive is already added" ldtarball "$work/hello.tar.gz"
	like "$err" "hello/1.0 is already added" "the error says so"
	for action in add build install; do
		dkms_exits 8 "compat 9: $action of the archive again" $action "$work/hello.tar.gz" -k $K
	done
	is "$(snapshot "$dkmstree" "$sourcetree")" "$before" "compat 2: existing versions are not changed"
	echo changed >> "$dkmstree/hello/1.0/$K/$arch/module/hello.ko"
	echo changed >> "$sourcetree/hello-1.0/hello.c"
	touch "$sourcetree/hello-1.0/new.c"
	dkms_exits 0 "compat 2: ldtarball --force" ldtarball "$work/hello.tar.gz" --force
	is "$(snapshot "$dkmstree" "$sourcetree")" "$before" "compat 2: it replaces the files of the archive and keeps other kernels"

	rm "$dkmstree/hello/1.0/source"
	echo mine > "$dkmstree/hello/1.0/$K/$arch/module/hello.ko"
	rm -r "$dkmstree/hello/1.0/$K7" "$dkmstree/hello/kernel-$K7-$arch"
	is "$(state hello 1.0)" broken "(a version without its source)"
	dkms_exits 0 "ldtarball repairs the version" ldtarball "$work/hello.tar.gz"
	like "$err" "warning: .*$K/$arch stays.*--force" "compat 2: existing builds are kept, with a warning"
	is "$(cat "$dkmstree/hello/1.0/$K/$arch/module/hello.ko")" mine "the existing module is kept"
	is "$(state hello 1.0 $K)" installed "the version is installed as before"

	dkms_exits 2 "compat 9: the archive is missing" ldtarball "$work/no.tar.gz"
	like "$err" "$work/no.tar.gz" "the error names the archive"
	dkms_exits 2 "compat 9: ldtarball without an archive" ldtarball
	dkms_exits 2 "compat 9: ldtarball --archive of a missing file" ldtarball --archive "$work/no.tar.gz"
	dkms_exits 2 "ldtarball of a directory" ldtarball "$sourcetree"
	dkms_exits 1 "add of a missing file" add no.tar.gz
	dkms_exits 5 "compat 9: ldtarball --all" ldtarball "$work/hello.tar.gz" --all
}

binaries()
{
	with_hello
	dkms mktarball hello/1.0 --all --binaries-only --archive "$work/bin.tar.zst" > /dev/null
	other_machine
	dkms_exits 0 "compat 2: ldtarball of binaries only" ldtarball "$work/bin.tar.zst"
	is "$(state hello 1.0 $K) $(state hello 1.0 $K7)" "built built" "the modules are built"
	is "$(ls "$sourcetree/hello-1.0")" dkms.conf "the source has only dkms.conf"
	dkms_exits 0 "the modules can be installed" install hello/1.0 -k $K
	dkms_exits 0 "the modules can be removed" unbuild hello/1.0 -k $K
	dkms_exits 8 "compat 9: the source cannot be built" build hello/1.0 -k $K
	other_machine
	module hello 1.0
	before=$(snapshot "$sourcetree")
	dkms_exits 0 "binaries for a source that exists" ldtarball "$work/bin.tar.zst"
	is "$(snapshot "$sourcetree")" "$before" "the source is not changed"
	dkms_exits 0 "the source can be built" build hello/1.0 -k $K --force
	module scripted 1.0 'POST_ADD=post.sh'
	dkms build scripted/1.0 -k $K > /dev/null 2>&1
	dkms mktarball scripted/1.0 -k $K --binaries-only --archive "$work/scripted.tgz" > /dev/null
	other_machine
	dkms_exits 0 "the script of POST_ADD is not in the archive" ldtarball "$work/scripted.tgz"
	is "$err" "" "there is no warning"
}

operands()
{
	with_hello
	dkms mktarball hello/1.0 -k $K > /dev/null
	mv "$tarballs"/* "$work/hello.tar.gz"
	other_machine
	dkms_exits 0 "compat 2: install ARCHIVE for two kernels" install "$work/hello.tar.gz" -k $K -k $K7
	is "$(state hello 1.0 $K) $(state hello 1.0 $K7)" "installed installed" "both kernels are installed"
	like "$(tail -n 3 "$dkmstree/hello/1.0/$K7/$arch/log/make.log")" "exit code: 0" "the second kernel was built"
	other_machine
	dkms_exits 0 "compat 2: build ARCHIVE" build -k $K7 "$work/hello.tar.gz"
	is "$(state hello 1.0 $K7)" built "it is built from the archive"
	other_machine
	cd "$work"
	dkms_exits 0 "compat 2: add ARCHIVE by a relative path" add hello.tar.gz
	other_machine
	dkms_exits 0 "compat 3: add --archive" add --archive hello.tar.gz
	is "$(state hello 1.0 $K)" built "the archive is loaded"
	dkms_exits 0 "status takes the name of a file for a module" status hello.tar.gz
	is "$out" "" "status of an unknown module is empty"
	cd "$work"
	dkms_exits 0 "compat 2: arguments in another order" "$work/hello.tar.gz" ldtarball --force
	module other 1.0
	dkms_exits 0 "a module and an archive" add other/1.0 --archive hello.tar.gz
	like "$err" "warning: .*hello.tar.gz is not read" "the archive is not read, and there is a warning"

	# An archive that mktarball did not make, with a source in one of its directories.
	other_machine
	module hello 1.0
	mkdir -p "$work/up"
	mv "$sourcetree/hello-1.0" "$work/up/hello-upstream-3"
	touch "$work/up/README"
	tar -C "$work/up" -cJf "$work/up.tar.xz" .
	dkms_exits 0 "compat 2: any tar with a dkms.conf somewhere in it" install "$work/up.tar.xz" -k $K
	is "$(state hello 1.0 $K)" installed "the module is installed"
	is "$(ls "$sourcetree/hello-1.0")" "$(ls "$work/up/hello-upstream-3")" "compat 2: the directory of dkms.conf is the source"
	dkms_exits 3 "compat 9: the version is already added" add "$work/up.tar.xz"
	echo 'MAKE=false' >> "$work/up/hello-upstream-3/dkms.conf"
	tar -C "$work/up" -cf "$work/up.tar" .
	dkms_exits 10 "--force replaces the source" build "$work/up.tar" -k $K --force
	sed -i s/hello/scripted/ "$work/up/hello-upstream-3/dkms.conf"
	echo POST_ADD=post.sh >> "$work/up/hello-upstream-3/dkms.conf"
	write_script "$work/up/hello-upstream-3/post.sh" "echo added in \$PWD"
	tar -C "$work/up" -cf "$work/up.tar" .
	post_add
}

# POST_ADD of an archive runs as root, so it needs an option. Of a directory it runs as before.
post_add()
{
	local not_run="^dkms: .*warning: .*POST_ADD was not run, because it came in an archive; to run it: dkms add --force --allow-post-add $work/up.tar\$"
	local command

	for command in add ldtarball "build -k $K" "install -k $K"; do
		other_machine
		# shellcheck disable=SC2086 # a command and its options
		run_dkms $command "$work/up.tar"
		like "$err" "$not_run" "$command: POST_ADD of an archive is not run"
		is "$(grep -c POST_ADD "$work/err")" 1 "$command: one line says so"
		ok "$command: it is not run" sh -c "! grep -q 'added in' '$work/out'"
		is "$(ls "$sourcetree/scripted-1.0/dkms.conf")" "$sourcetree/scripted-1.0/dkms.conf" "$command: the package is added"
	done
	other_machine
	dkms_exits 0 "a POST_ADD in an archive" add "$work/up.tar" --allow-post-add
	like "$out" "added in $sourcetree/scripted-1.0" "with the option it runs after the source is in its directory"
	dkms_exits 0 "the command of the message" add --force --allow-post-add "$work/up.tar"
	like "$out" "added in $sourcetree/scripted-1.0" "it runs POST_ADD"
	other_machine
	module scripted 1.0 POST_ADD=post.sh
	write_script "$sourcetree/scripted-1.0/post.sh" "echo added in \$PWD"
	dkms add scripted/1.0 > /dev/null
	dkms mktarball scripted/1.0 --source-only --archive "$work/made.tgz" > /dev/null
	other_machine
	dkms_exits 0 "an archive of mktarball" ldtarball "$work/made.tgz"
	like "$err" "POST_ADD was not run.*$work/made.tgz" "its POST_ADD is not run either"
	other_machine
	module scripted 1.0 POST_ADD=post.sh
	write_script "$sourcetree/scripted-1.0/post.sh" "echo added in \$PWD"
	dkms_exits 0 "a directory of the source tree" add scripted/1.0
	like "$out" "added in " "its POST_ADD runs"
}

everything() { snapshot "$machine"; ls -A "$work" "$TMPDIR"; }

# Makes an archive of the directory $bad, and checks that it is refused and that no file is left.
refused() # STATUS WORDS DESCRIPTION [TAR-OPTION...]
{
	local want=$1 words=$2 description=$3 before after

	shift 3
	[ $# -eq 0 ] || (cd "$bad" && tar -czf "$work/bad.tar.gz" "$@" 2> "$work/tar.err") ||
		note "$(cat "$work/tar.err")"
	before=$(everything)
	dkms_exits "$want" "$description: status" ldtarball "$work/bad.tar.gz"
	like "$err" "$work/bad.tar.gz.*$words" "$description: the error names the archive and the cause"
	after=$(everything)
	ok "$description: no file is left" diff <(echo "$before") <(echo "$after")
}

# Makes a new source for an archive.
bad()
{
	bad=$work/bad
	rm -rf "$bad"
	module bad 1.0
	mv "$sourcetree/bad-1.0" "$bad"
}

refusing()
{
	machine
	kernel $K
	bad
	refused 3 '\.\./Makefile has \.\.' "a name with .." --transform 's,^\./M,../M,' .
	refused 3 "/bad.c is an absolute path" "an absolute name" -P --transform 's,^\./b,/b,' .
	ln -s /etc/passwd "$bad/link"
	refused 3 "link is a link that leads out, to /etc/passwd" "a link out" .
	bad
	ln -s . "$bad/here"
	ln -s here/here/../../other "$bad/link"
	refused 3 "link is a link that leads out" "a chain of links out" .
	bad
	mkfifo "$bad/pipe"
	refused 3 "pipe is neither" "a named pipe" .
	if mknod "$bad/null" c 1 3 2>/dev/null; then
		rm "$bad/pipe"
		refused 3 "null is neither" "a device" .
	fi
	bad
	chmod u+s "$bad/bad.c"
	refused 3 "bad.c is setuid" "a setuid file" .
	bad
	touch "$bad/a"$'\n'"dkms: all is well"
	refused 3 'a\\x0adkms: all is well has a control character' "a name with a newline" .
	bad
	mkdir "$bad/a" "$bad/b"
	mv "$bad/dkms.conf" "$bad/a"
	cp "$bad/a/dkms.conf" "$bad/b"
	refused 7 "two dkms.conf" "two confs" .
	bad
	mv "$bad/dkms.conf" "$bad/conf"
	ln -s conf "$bad/dkms.conf"
	refused 7 "dkms.conf is a link" "a dkms.conf that is a link" .
	bad
	rm "$bad/dkms.conf"
	refused 3 "has no dkms.conf" "compat 9: archive without dkms.conf" .
	mkdir -p "$bad/dkms_main_tree" "$bad/dkms_source_tree"
	refused 7 "no dkms_source_tree/dkms.conf" "compat 9: archive without a valid dkms.conf" .
	bad
	echo 'DEST_MODULE_LOCATION[0]=/nowhere' >> "$bad/dkms.conf"
	refused 8 ": dkms.conf: DEST_MODULE_LOCATION" "compat 9: bad dkms.conf" .
	echo 'if' >> "$bad/dkms.conf"
	refused 8 ": dkms.conf: line [0-9]*: syntax error" "a syntax error" .
	bad
	echo 'PACKAGE_NAME=../../../evil' >> "$bad/dkms.conf"
	refused 8 "PACKAGE_NAME" "a PACKAGE_NAME with a slash" .
	bad
	echo "PACKAGE_VERSION=$(printf '%300s' '' | tr ' ' 9)" >> "$bad/dkms.conf"
	refused 3 "version is longer than 255 bytes" "a PACKAGE_VERSION of 300 characters" .
	bad
	tar -C "$bad" -czf "$work/good.tar.gz" .
	head -c -30 "$work/good.tar.gz" > "$work/bad.tar.gz"
	refused 3 "is damaged: its end is missing" "an archive that is cut off"
	tar -C "$bad" -cJf "$work/good.tar.xz" .
	head -c 300 "$work/good.tar.xz" > "$work/bad.tar.gz"
	refused 3 "is damaged" "an xz file that is cut off, with another name"
	echo "hello" > "$work/bad.tar.gz"
	refused 3 "is not a tar archive" "a file that is not an archive"
	: > "$work/bad.tar.gz"
	refused 3 "is empty" "an empty file"
	truncate -s 5G "$bad/hole"
	refused 3 "unpacks to more than 4 GiB" "more than what is taken" -S .
	like "$err" "unpack it yourself, then: dkms add DIRECTORY" "the error has a remedy"
	bad
	{ echo ./dkms.conf; yes . | head -n 100001; } > "$work/list"
	refused 3 "holds more than 100000 files" "more entries than allowed" \
		--no-recursion -T "$work/list"
}

interrupting()
{
	local loads pid pids statuses

	machine
	kernel $K
	bad
	mkdir "$bad/many"
	(cd "$bad/many" && seq 20000 | xargs touch)
	tar -C "$bad" -cf "$work/many.tar" .
	rm -rf "$bad"
	for signal in TERM INT KILL; do
		set -m # without job control dkms would ignore SIGINT
		"$DKMS" ldtarball "$work/many.tar" "${trees[@]}" > "$work/out" 2> "$work/load.err" &
		pid=$!
		set +m
		for _ in $(seq 500); do
			loads=$(find "$sourcetree" -path '*.dkms-load-*/tree/many/1*' -print -quit 2> /dev/null)
			[ -z "$loads" ] || break
			sleep 0.01
		done
		kill -$signal "$pid"
		status=0
		wait "$pid" 2> /dev/null || status=$?
		is "$status" "$((128 + $(kill -l $signal)))" "ldtarball is ended by SIG$signal"
		is "$(ls -A "$dkmstree")" "" "no version is added"
		is "$(ls -I 'linux-*' "$sourcetree")" "" "no source is made"
		is "$(cat "$work/load.err")" "" "no error is printed"
		[ $signal = KILL ] || is "$(hidden "$sourcetree")" "" "no temporary directory is left"
	done
	like "$(ls -A "$sourcetree")" "^\.dkms-load-" "(a killed process leaves a temporary directory)"
	for n in 1 2 3; do
		dkms ldtarball "$work/many.tar" > /dev/null 2>&1 &
		pids[n]=$!
	done
	statuses=
	for n in 1 2 3; do
		status=0
		wait "${pids[n]}" || status=$?
		statuses+="$status "
	done
	is "$(xargs -n 1 <<< "$statuses" | sort | xargs)" "0 3 3" "three at the same time: the first one adds the version"
	is "$(state bad 1.0)" added "the version is added"
	is "$(ls "$sourcetree/bad-1.0/many" | wc -l)" 20000 "its source is complete"
	is "$(hidden "$sourcetree")" "" "no temporary directory is left"
}

rpms()
{
	machine
	kernel $K
	module hello 1.0
	echo package > "$work/hello.rpm"
	write_script "$work/bin/rpm" 'echo "rpm: $*"' "$DKMS add hello/1.0 ${trees[*]}"
	dkms_exits 0 "compat 2: install an rpm" install "$work/hello.rpm" -k $K
	like "$out" "^rpm: -Uvh -- $work/hello.rpm" "rpm is called"
	is "$(state hello 1.0 $K)" installed "autoinstall runs after it"
	write_script "$work/bin/rpm" 'echo "rpm: no" >&2' 'exit 3'
	dkms_exits 9 "compat 9: rpm failed" ldtarball "$work/hello.rpm"
	like "$out" "rpm: no" "the message of rpm is printed"
	like "$err" "cannot install $work/hello.rpm: rpm exited 3" "the error has the exit status of rpm"
	dkms_exits 9 "compat 9: rpm fails with -q" add -q "$work/hello.rpm"
	like "$err" "rpm: no" "the message of rpm is printed with -q"
	dkms_exits 2 "compat 9: a missing rpm" ldtarball "$work/no.rpm"
	rm "$work/bin/rpm"
}

# A user who owns only the trees.
users()
{
	with_hello
	dkms mktarball hello/1.0 -k $K --archive "$work/hello.tar.gz" > /dev/null
	chmod 0644 "$work/hello.tar.gz"
	as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	if ! "${as_user[@]}" true 2>/dev/null; then
		skip "no root here who can become another user" "commands of a user who is not root"
		return
	fi
	cp "$DKMS" "$work/bin/dkms"
	other_machine
	chmod 0777 "$dkmstree" "$sourcetree"
	exits 0 "compat 9: ldtarball needs writable trees, not root" \
		"${as_user[@]}" "$work/bin/dkms" ldtarball "$work/hello.tar.gz" "${trees[@]}"
	is "$(state hello 1.0 $K)" built "the modules are there"
	exits 0 "ldtarball --force needs writable trees, not root" \
		"${as_user[@]}" "$work/bin/dkms" ldtarball "$work/hello.tar.gz" --force "${trees[@]}"
	exits 0 "compat 9: mktarball needs a writable tree, not root" \
		"${as_user[@]}" "$work/bin/dkms" mktarball hello/1.0 -k $K "${trees[@]}"
	other_machine
	chmod 0777 "$dkmstree"
	exits 1 "compat 9: a source tree that cannot be written" \
		"${as_user[@]}" "$work/bin/dkms" ldtarball "$work/hello.tar.gz" "${trees[@]}"
	is "$(ls -A "$dkmstree")" "" "no version is added"
	with_hello
	exits 9 "compat 9: a dkms tree that cannot be written" \
		"${as_user[@]}" "$work/bin/dkms" mktarball hello/1.0 -k $K "${trees[@]}"
	exits 0 "mktarball to elsewhere needs no tree that can be written" \
		"${as_user[@]}" "$work/bin/dkms" mktarball hello/1.0 -k $K --archive "$TMPDIR/mine.tgz" "${trees[@]}"
}

names
layout
packing_errors
loading
binaries
operands
refusing
interrupting
rpms
users
finish
