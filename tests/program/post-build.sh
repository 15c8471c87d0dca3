#!/bin/bash
# What POST_BUILD scripts do with the built files in the dkms tree, and what the commands of a build
# leave to each other in /tmp.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
# shellcheck source=tests/lib/cached-machine.sh
. "$top_srcdir/tests/lib/cached-machine.sh"

# The script finds its places as packages do: by variables, and relative to the build directory.
# shellcheck disable=SC2016
place='$dkms_tree/m/1.0/$kernelver/$arch'

# A machine with the package m, whose POST_BUILD is a script with these lines.
package() # LINE...
{
	cached_machine
	kernel $K
	module m 1.0 'POST_BUILD="post.sh"'
	write_script "$sourcetree/m-1.0/post.sh" 'set -e' "$@"
	dkms add m/1.0 > /dev/null
	there=$dkmstree/m/1.0/$K/$arch
}

# Builds m, and checks the exit status and the messages.
builds() # STATUS PATTERN DESCRIPTION [OPTION...]
{
	local status=0 wanted=$1 pattern=$2 what=$3

	shift 3
	timeout 60 "${DKMS:?}" build m/1.0 -k $K "$@" "${trees[@]}" > "$work/out" 2> "$work/err" < /dev/null || status=$?
	is "$status" "$wanted" "$what"
	like "$(cat "$work/out" "$work/err")" "$pattern" "$what: what it says"
	is "$(find "$dkmstree" -name '.job*' -o -name '.built*' -o -type l -path "*/$K/*")" "" "$what: nothing is left"
}

adds()
{
	package "cp Module.symvers m.c $place/" "mkdir -p $place/module/more" "cp m.c $place/module/more/header.h" 'echo ran'
	builds 0 "" "POST_BUILD adds files beside the built modules"
	is "$(cd "$there" && find . -type f | LC_ALL=C sort | tr '\n' ' ')" \
		"./Module.symvers ./log/inputs ./log/make.log ./log/provenance.json ./m.c ./module/Module.symvers ./module/m.ko ./module/more/header.h " \
		"they are in the tree"
	is "$(stat -c '%u %a' "$there/m.c" "$there/module/more" "$there/module/m.ko" | tr '\n' ' ')" "$(id -u) 644 $(id -u) 755 $(id -u) 644 " \
		"they belong to the user of dkms"
	old=$(snapshot "$there" | grep -v make.log)
	dkms unbuild m/1.0 -k $K > /dev/null
	counted build m/1.0 -k $K
	is "$status $moved" "0 $hit" "the next build is from the cache"
	is "$(snapshot "$there" | grep -v make.log)" "$old" "it has the same files"
	is "$(grep -c ran "$there/log/make.log")" 0 "POST_BUILD did not run again"
	dkms_exits 0 "the module can be installed" install m/1.0 -k $K
	dkms_exits 0 "and removed" remove m/1.0 --all
	is "$(ls "$dkmstree")" "" "nothing is left of it"
}

changes()
{
	# shellcheck disable=SC2016
	package 'cd ../$kernelver/$arch/module' 'for k in *.ko; do printf "signed by the package" >> $k; done'
	builds 0 "" "POST_BUILD changes the built modules"
	is "$(tail -c 21 "$there/module/m.ko")" "signed by the package" "the change is in the tree"
	dkms unbuild m/1.0 -k $K > /dev/null
	counted build m/1.0 -k $K --verbose
	is "$status ${moved%% *}" "0 0" "such a build is not from the cache"
	like "$out$err" "not kept: POST_BUILD changes module/m.ko" "dkms says why"
	is "$(tail -c 21 "$there/module/m.ko")" "signed by the package" "the script ran again"
	dkms install m/1.0 -k $K > /dev/null
	is "$(tail -c 21 "$installtree/$K/${dest#/}/m.ko")" "signed by the package" "it is what is installed"
	package "cp $place/module/m.ko $place/copy.ko"
	builds 0 "not kept: POST_BUILD adds the module copy.ko" "POST_BUILD adds a module" --verbose
	package 'n=$(printf "x\nfile 0 0 added")' "mkdir \"$place/\$n\"" "touch \"$place/\$n/y\""
	builds 0 "not kept: POST_BUILD adds a file with a control character in its name" "POST_BUILD adds a name with a line end" --verbose
	package "rm $place/module/m.ko"
	builds 7 "POST_BUILD removed the module .*/module/m.ko" "POST_BUILD removes a module"
	is "$(find "$dkmstree/m/1.0" -name '*.ko')" "" "nothing is built then"
	package "xz --check=crc32 $place/module/m.ko"
	builds 0 "" "POST_BUILD compresses a module"
	dkms_exits 0 "it is installed" install m/1.0 -k $K
	is "$(ls "$installtree/$K/${dest#/}")" m.ko.xz "under its new name"
	package "printf garbage > $place/module/m.ko"
	builds 0 "warning: .*m.ko is not a kernel module" "POST_BUILD makes something else of a module"
}

# Scripts that leave something that dkms must not take.
hostile()
{
	for one in touch mkdir; do
		package "$one $place/from-archive" "[ $one = touch ] || touch $place/from-archive/file"
		builds 0 "warning: .*POST_BUILD made .*/from-archive, a name that dkms uses, and it is not kept" "POST_BUILD claims an archive by $one"
		ok "the mark is not taken" test ! -e "$there/from-archive"
	done
	package "mkdir $place/log" "echo builder1 | tee $place/log/signers > $place/log/inputs"
	builds 0 "warning: .*POST_BUILD made .*/log, a name that dkms uses, and it is not kept" "POST_BUILD says who has signed the build"
	is "$(ls "$there/log")" "$(printf 'inputs\nmake.log\nprovenance.json')" "that is not taken"
	dkms_exits 0 "why" why m/1.0 -k $K
	is "$(grep -c builder1 <<< "$out")" 0 "nor told"
	package "ln -s /etc/shadow $place/shadow" "mkfifo $place/fifo" "ln -s /etc $place/etc"
	builds 0 "warning: .*POST_BUILD made .*/etc and 2 more that are no files and are not kept" "POST_BUILD makes links and a FIFO"
	is "$(find "$there" ! -type d ! -type f)" "" "they are not taken"
	package "for i in \$(seq 3000); do ln -s /etc $place/\$i; done"
	builds 0 "warning: .*POST_BUILD made .*/1 and 2999 more that are no files and are not kept" "POST_BUILD makes 3000 links"
	is "$(grep -c POST_BUILD "$work/err")" 1 "there is one warning about them"
	package "for i in \$(seq 10100); do mkdir $place/\$i; done"
	builds 1 "POST_BUILD left too many files" "POST_BUILD makes 10100 directories"
	package "cp /bin/true $place/x" "chmod 4755 $place/x"
	builds 0 "" "POST_BUILD makes a set-user-ID program"
	is "$(stat -c %a "$there/x")" 644 "it is a file like others"
	package "rm $place/module/m.ko" "ln -s /etc/passwd $place/module/m.ko"
	builds 7 "POST_BUILD removed the module" "POST_BUILD replaces a module by a link"
	package "truncate -s 8T $place/hole"
	builds 1 "hole has 8796093022208 bytes, and at most 1073741824" "POST_BUILD makes a file of 8 TiB"
	package "for i in \$(seq 10100); do : > $place/\$i; done"
	builds 1 "POST_BUILD left too many files in $dkmstree/m/1.0/$K/$arch" "POST_BUILD makes 10100 files"
	package "mkdir $place/closed" ": > $place/closed/x" "chmod 0 $place/closed"
	builds 0 "" "POST_BUILD makes a directory that nobody can enter"
	package "rm -r $place/module" "ln -s /etc $place/module"
	builds 7 "POST_BUILD removed the module" "POST_BUILD replaces module/ by a link"
}

# Without namespaces the directory has to stand at its place for everybody.
without_namespaces()
{
	local option

	mkdir -p "$work/none"
	printf '#!/bin/sh\nexit 1\n' > "$work/none/bwrap"
	chmod +x "$work/none/bwrap"
	for option in --sandbox=auto --sandbox=off; do
		package "cp m.c $place/" "printf changed >> $place/module/m.ko"
		PATH=$work/none:$PATH builds 0 "" "$option: POST_BUILD adds and changes" $option
		is "$(ls "$there") $(tail -c 7 "$there/module/m.ko")" "$(printf '%s\n' log m.c module) changed" "$option: both are in the tree"
		old=$(snapshot "$there")
		write_script "$sourcetree/m-1.0/post.sh" "echo half > $place/m.c" 'exit 44'
		PATH=$work/none:$PATH builds 44 "POST_BUILD exited 44" "$option: POST_BUILD fails" $option --force
		is "$(snapshot "$there")" "$old" "$option: what was built before is kept"
		write_script "$sourcetree/m-1.0/post.sh" "echo \$\$ > $place/half" 'exec sleep 60'
		PATH=$work/none:$PATH "$DKMS" build m/1.0 -k $K --force $option "${trees[@]}" > /dev/null 2>&1 &
		pid=$!
		timeout 60 sh -c 'until [ -s "$0/half" ]; do sleep 0.1; done' "$there"
		script=$(cat "$there/half")
		run_dkms install m/1.0 -k $K --dry-run $option
		like "$out" ": build, install$" "$option: meanwhile it does not count as built"
		kill -9 $pid
		wait $pid 2> /dev/null || status=$?
		is "$status" 137 "$option: dkms is killed"
		kill -9 "$script"
		is "$(dkms status)" "m/1.0: added" "$option: what is half done does not count as built"
		write_script "$sourcetree/m-1.0/post.sh" "cp m.c $place/" "printf changed >> $place/module/m.ko"
		PATH=$work/none:$PATH dkms_exits 0 "$option: another build" build m/1.0 -k $K7 $option
		is "$(snapshot "$there")" "$old" "$option: it puts back what was built before"
		PATH=$work/none:$PATH builds 0 "" "$option: the build works again" $option --force
	done
}

shared_tmp()
{
	cached_machine
	kernel $K
	module m 1.0 PRE_BUILD=pre.sh POST_BUILD=post.sh 'MAKE[0]="cat /tmp/for-make && make -C $kernel_source_dir M=$dkms_tree/m/1.0/build"'
	write_script "$sourcetree/m-1.0/pre.sh" 'ls -A /tmp' 'mkdir -p /tmp/dir && echo from pre > /tmp/for-make'
	write_script "$sourcetree/m-1.0/post.sh" 'cat /tmp/for-make && test -d /tmp/dir && echo too >> /tmp/for-make'
	dkms_exits 0 "what PRE_BUILD leaves in /tmp is there for make and POST_BUILD" build m/1.0 -k $K
	is "$(grep -c '^from pre$' "$dkmstree/m/1.0/$K/$arch/log/make.log")" 2 "both have read it"
	is "$(find /tmp -maxdepth 1 -name for-make)" "" "it is not in the machine's /tmp"
	kernel $K7
	dkms_exits 0 "another job does not see it" build m/1.0 -k $K7 --no-cache
	ok "another job does not see it: its PRE_BUILD finds no file" \
		test -z "$(sed -n '/command:.*pre.sh/,/exit code/p' "$dkmstree/m/1.0/$K7/$arch/log/make.log" | grep for-make)"
}

adds
changes
hostile
without_namespaces
shared_tmp
finish
