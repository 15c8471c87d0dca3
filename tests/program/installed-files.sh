#!/bin/bash
# The record of the installed files: what dkms removes is what it has installed, whatever the
# dkms.conf says by now and whatever the kernel's package has installed meanwhile. On kernels of the
# fixture, and where no distribution says where modules go.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

# The directory of dkms.conf counts then.
private_etc || skip_all "the test needs a mount namespace"
rm /etc/os-release
echo ID=unknown > /etc/os-release
mount --bind /etc/os-release /usr/lib/os-release 2> /dev/null || true
dest=kernel/extra

# Sets up a kernel with hello 1.0 installed; $file is its module, and $record the record.
start()
{
	machine
	kernel $K
	module hello 1.0
	before=$(snapshot "$installtree")
	dkms install hello/1.0 -k $K > /dev/null
	file=$installtree/$K/$dest/hello.ko
	record=$dkmstree/hello/.installed-$K-$arch
}

installed()
{
	(cd "$installtree/$K" && find . -name '*.ko*' ! -name 'ext9*' | sort | paste -sd' ')
}

the_record()
{
	start
	is "$(installed)" "./$dest/hello.ko" "the file is where dkms.conf says"
	is "$(cat "$record")" "$(sha256sum < "$file" | cut -d ' ' -f 1) $dest/hello.ko" "the record has it"
	dkms_exits 0 "status" status
	is "$out" "hello/1.0, $K, $arch: installed" "does not show the record"
	dkms_exits 0 "build --force" build hello/1.0 -k $K --force
	ok "keeps the record" test -e "$record"
	echo damaged > "$record"
	dkms_exits 1 "uninstall, the record is damaged" uninstall hello/1.0 -k $K
	like "$err" "$record is damaged" "says so"
	is "$(state hello 1.0 $K) $(installed)" "installed ./$dest/hello.ko" "and nothing is changed"
	printf '%064d ../../%s\n' 0 secret > "$record"
	dkms_exits 1 "a record that leads out of the kernel's directory" uninstall hello/1.0 -k $K
	rm "$record"
	dkms_exits 0 "uninstall without a record" uninstall hello/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "removes what dkms.conf says"
	dkms install hello/1.0 -k $K > /dev/null
	dkms_exits 0 "remove" remove hello/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "removes the file"
	ok "nothing is left in the dkms tree" test ! -e "$dkmstree/hello"
	# As after another dkms has removed the version.
	start
	dkms add hello/1.0 > /dev/null 2>&1 || true
	rm "$dkmstree/hello/kernel-$K-$arch" "$file"
	dkms_exits 0 "remove of what another dkms has uninstalled" remove hello/1.0 -k $K
	ok "removes the record as well" test ! -e "$dkmstree/hello"
}

# The kernel's package was installed again, or a newer one.
replaced()
{
	local command

	for command in uninstall unbuild remove; do
		start
		rm "$file"
		kernel_module $K $dest/hello.ko 2.0
		dkms_exits 0 "$command after the kernel's package has replaced the module" $command hello/1.0 -k $K
		is "$(module_field version "$file")" 2.0 "the kernel's module stays"
		is "$(grep -c "$file is left as it is" <<< "$err")" 1 "there is a line about it"
		is "$(stray_records)" "" "the record is gone"
	done
	# The same with an original, which is older by now.
	machine
	kernel $K
	module hello 1.0
	kernel_module $K $dest/hello.ko 0.5
	dkms install hello/1.0 -k $K > /dev/null
	rm "$installtree/$K/$dest/hello.ko"
	kernel_module $K $dest/hello.ko 2.0
	dkms_exits 0 "the replaced module had an original" remove hello/1.0 -k $K
	is "$(module_field version "$installtree/$K/$dest/hello.ko")" 2.0 "the kernel's newer module stays"
	is "$(grep -c "is left as it is" <<< "$err")" 1 "there is a line about it"
	ok "the original is not kept" test ! -e "$dkmstree/hello"
	# The kernel's package has put its own module back where it was.
	machine
	kernel $K
	module hello 1.0
	kernel_module $K kernel/drivers/hello.ko 0.5
	dkms install hello/1.0 -k $K > /dev/null
	kernel_module $K kernel/drivers/hello.ko 2.0
	dkms_exits 0 "the original came back elsewhere" uninstall hello/1.0 -k $K
	is "$(installed) $(module_field version "$installtree/$K/kernel/drivers/hello.ko")" \
		"./kernel/drivers/hello.ko 2.0" "it is not replaced by the older one"
	# The files in the dkms tree are gone, too.
	start
	rm "$dkmstree/hello/1.0/$K/$arch/module/hello.ko" "$file"
	kernel_module $K $dest/hello.ko 2.0
	dkms_exits 0 "the built module is gone" remove hello/1.0 -k $K
	is "$(module_field version "$file")" 2.0 "the kernel's module stays"
}

# The file was changed by an administrator, but is the same module.
changed()
{
	local command suffix tool

	for command in uninstall remove; do
		for suffix in gz xz zst; do
			tool=${suffix/gz/gzip}
			tool=${tool/zst/zstd}
			command -v "$tool" > /dev/null || continue
			start
			"$tool" < "$file" > "$file.$suffix"
			rm "$file"
			dkms_exits 0 "$command after the file was compressed with $tool" $command hello/1.0 -k $K
			is "$(snapshot "$installtree")" "$before" "removes it"
			is "$err" "" "without a warning"
		done
	done
	start
	gzip "$file"
	rm "$dkmstree/hello/1.0/$K/$arch/module/hello.ko"
	dkms_exits 0 "compressed, and the built file is gone" uninstall hello/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "it is removed"
	# dkms itself has compressed it.
	machine
	kernel $K .xz
	module hello 1.0
	before=$(snapshot "$installtree")
	dkms install hello/1.0 -k $K > /dev/null
	is "$(installed)" "./$dest/hello.ko.xz" "installed for a kernel with compressed modules"
	rm "$dkmstree/hello/1.0/$K/$arch/module/hello.ko.xz"
	dkms_exits 0 "the built file is gone" uninstall hello/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "the installed one is removed"
	start
	gzip < "$file" > "$file.gz"
	dkms_exits 0 "compressed, and the file was kept" uninstall hello/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "both are removed"
	start
	printf 'ABCDEFGH\0\0\2\0\0\0\0\0\0\0\0\10~Module signature appended~\n' >> "$file"
	dkms_exits 0 "signed" uninstall hello/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "it is removed"
	start
	gzip "$file"
	kernel_module $K $dest/hello.ko 2.0
	dkms_exits 0 "compressed, and the kernel has its own module beside it" uninstall hello/1.0 -k $K
	is "$(installed) $(module_field version "$file")" "./$dest/hello.ko 2.0" "the compressed one is removed"
	start
	echo garbage > "$file.xz"
	rm "$file"
	dkms_exits 0 "a file that cannot be decompressed" uninstall hello/1.0 -k $K
	ok "is left alone" test -e "$file.xz"
	# The file is a link into the tree.
	machine
	kernel $K
	module hello 1.0
	before=$(snapshot "$installtree")
	dkms install hello/1.0 -k $K --symlink-modules > /dev/null
	is "$(cut -d ' ' -f 1 "$dkmstree/hello/.installed-$K-$arch")" link "--symlink-modules: the record says so"
	rm "$dkmstree/hello/1.0/$K/$arch/module/hello.ko"
	dkms_exits 0 "uninstall of a link that leads nowhere" uninstall hello/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "removes it"
}

# dkms.conf says another directory than when the module was installed.
moved()
{
	local command

	for command in uninstall remove; do
		start
		sed -i s,/kernel/extra,/kernel/other, "$sourcetree/hello-1.0/dkms.conf"
		dkms build hello/1.0 -k $K --force > /dev/null
		kernel_module $K kernel/other/hello.ko 2.0
		dkms_exits 0 "$command after DEST_MODULE_LOCATION and the build have changed" $command hello/1.0 -k $K
		is "$(installed)" ./kernel/other/hello.ko "removes what was installed, and nothing else"
	done
	start
	cp "$file" "$work/hello.ko"
	sed -i s,/kernel/extra,/kernel/other, "$sourcetree/hello-1.0/dkms.conf"
	dkms_exits 0 "status" status
	is "$out" "hello/1.0, $K, $arch: installed" "finds the file"
	echo more >> "$file"
	mkdir -p "$installtree/$K/kernel/other"
	cp "$work/hello.ko" "$installtree/$K/kernel/other"
	dkms_exits 0 "status, with a copy in the directory of dkms.conf" status
	like "$out" "installed \(Differences" "sees that the installed file differs"
	rm "$file"
	echo other > "$installtree/$K/kernel/other/hello.ko"
	dkms_exits 0 "autoinstall, and only another's file is in the directory of dkms.conf" autoinstall -k $K
	like "$out" "hello/1.0 for $K: installed" "sees that the file is gone"
	start
	module hello 1.1
	sed -i s,/kernel/extra,/kernel/other, "$sourcetree/hello-1.1/dkms.conf"
	dkms_exits 0 "install of a version with another directory" install hello/1.1 -k $K
	is "$(installed)" ./kernel/other/hello.ko "removes the other version's file"
	is "$(cut -d ' ' -f 2- "$record")" kernel/other/hello.ko "the record has only the new one"
	dkms_exits 0 "uninstall" uninstall hello/1.1 -k $K
	is "$(snapshot "$installtree")" "$before" "removes it"
}

# dkms is killed between two steps. The record has been written and nothing else, or everything but
# the link.
killed()
{
	local new

	start
	new=$(sha256sum < "$file" | cut -d ' ' -f 1)
	dkms uninstall hello/1.0 -k $K
	kernel_module $K $dest/hello.ko 0.5
	before=$(snapshot "$installtree")
	echo "$new $dest/hello.ko" > "$record"
	touch "$dkmstree/.unfinished-$K"
	dkms_exits 0 "uninstall after a record was written, and nothing else" uninstall hello/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "leaves the kernel's module"
	is "$(stray_records)" "" "and removes the record"
	echo "$new $dest/hello.ko" > "$record"
	touch "$dkmstree/.unfinished-$K"
	dkms_exits 0 "install after a record was written, and nothing else" install hello/1.0 -k $K
	dkms_exits 0 "and uninstall" uninstall hello/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "the kernel's module comes back"
	start
	rm "$dkmstree/hello/kernel-$K-$arch"
	touch "$dkmstree/.unfinished-$K"
	gzip "$file"
	sed -i s,/kernel/extra,/kernel/other, "$sourcetree/hello-1.0/dkms.conf"
	dkms_exits 0 "uninstall, and the link is missing" uninstall hello/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "removes the file, wherever it is"
	start
	module hello 1.1
	dkms build hello/1.1 -k $K > /dev/null
	kernel_module $K kernel/other/hello.ko 2.0
	echo "+$(sha256sum < "$dkmstree/hello/1.1/$K/$arch/module/hello.ko" | cut -d ' ' -f 1) kernel/other/hello.ko" >> "$record"
	touch "$dkmstree/.unfinished-$K"
	dkms_exits 0 "uninstall after another version was about to be installed" uninstall hello/1.0 -k $K
	is "$(installed)$err" "./kernel/other/hello.ko" "leaves the kernel's module there, which dkms had not replaced"
	start
	module hello 1.1
	dkms build hello/1.1 -k $K > /dev/null
	cp "$dkmstree/hello/1.1/$K/$arch/module/hello.ko" "$file"
	echo "+$(sha256sum < "$file" | cut -d ' ' -f 1) $dest/hello.ko" >> "$record"
	touch "$dkmstree/.unfinished-$K"
	dkms_exits 0 "uninstall after another version's file was put in place" uninstall hello/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "removes that"
	is "$(stray_records)" "" "the record is gone"
}

# A process that could not even remove its temporary files has left them: the next one does.
temporaries()
{
	local one

	machine
	kernel $K
	module hello 1.0
	kernel_module $K kernel/hello.ko 0.5
	before=$(snapshot "$installtree")
	dkms install hello/1.0 -k $K > /dev/null
	for one in "$installtree/$K/kernel/.hello.ko.123-0" "$dkmstree/hello/..installed-$K-$arch.123-4" \
		"$installtree/$K/kernel/.hello.ko.mine"
	do
		echo left > "$one"
	done
	touch "$dkmstree/.unfinished-$K"
	dkms_exits 0 "uninstall after a process was killed" uninstall hello/1.0 -k $K
	is "$(find "$installtree" "$dkmstree/hello" -name '.?*')" "$installtree/$K/kernel/.hello.ko.mine" "removes its temporary files"
	rm "$installtree/$K/kernel/.hello.ko.mine"
	is "$(snapshot "$installtree")" "$before" "all is as it was"
}

# An install that fails, or is undone, and one over the tree of another dkms.
undone()
{
	start
	module hello 1.1
	cp "$record" "$work/record"
	write_script "$work/bin/depmod" 'exit 1'
	dkms_exits 6 "depmod fails after an install over another version" install hello/1.1 -k $K
	is "$(state hello 1.0 $K)" installed "the other version is installed again"
	is "$(cat "$record")" "$(cat "$work/record")" "the record is as before"
	dkms_exits 6 "uninstall" uninstall hello/1.0 -k $K
	dkms_exits 6 "depmod fails after an install" install hello/1.0 -k $K
	is "$(stray_records)" "" "there is no record"
	rm "$work/bin/depmod"
	# The original cannot be kept.
	kernel_module $K kernel/drivers/hello.ko 0.5
	: > "$dkmstree/hello/original_module"
	dkms_exits 1 "an install that cannot begin" install hello/1.0 -k $K
	is "$(installed) $(stray_records)" "./kernel/drivers/hello.ko " "nothing is installed, and there is no record"
	start
	rm "$record"
	module hello 1.1
	sed -i s,/kernel/extra,/kernel/other, "$sourcetree/hello-1.1/dkms.conf"
	dkms_exits 0 "install over a version of another dkms" install hello/1.1 -k $K
	is "$(installed)" ./kernel/other/hello.ko "replaces it"
	is "$(cut -d ' ' -f 2- "$record")" kernel/other/hello.ko "the record has what is there"
}

# What a package has built and not installed is not its own in the kernel's directory, even if it is the
# same as a file there: a build can copy every module.
copies()
{
	local copy

	machine
	kernel $K
	kernel_module $K kernel/fs/ext8.ko 1.0
	module good 1.0
	kernel_module $K kernel/fs/good.ko 0.5
	before=$(snapshot "$installtree")
	dkms install good/1.0 -k $K > /dev/null
	with_good=$(snapshot "$installtree")
	module evil 1.0 'POST_BUILD="post.sh"' 'BUILT_MODULE_NAME[0]="evil"' 'BUILT_MODULE_NAME[1]="ext8"' \
		'DEST_MODULE_LOCATION[1]="/kernel/extra"'
	write_sources "$sourcetree/evil-1.0" 1.0 evil ext8
	printf '%s\n' '$(M)/ext8.ko: ; cp '"$installtree/$K/kernel/fs/ext8.ko"' $@' >> "$sourcetree/evil-1.0/Makefile"
	copy=$dkmstree/evil/1.0/$K/$arch/module
	# good.ko is also what good has saved.
	cp "$dkmstree/good/original_module/$K/$arch/good.ko" "$sourcetree/evil-1.0/good.ko"
	write_script "$sourcetree/evil-1.0/post.sh" \
		"cp $installtree/$K/kernel/fs/ext9.ko good.ko $copy/" "cp $installtree/$K/$dest/good.ko $copy/good-1.ko"
	dkms install evil/1.0 -k $K > /dev/null
	ok "copies of others' modules are among what was built" test -e "$copy/ext9.ko" -a -e "$copy/good.ko"
	is "$(installed)" "./kernel/extra/evil.ko ./kernel/extra/good.ko ./kernel/fs/ext8.ko" "they are not installed"
	cp -r "$sourcetree/evil-1.0" "$sourcetree/evil-2.0"
	sed -i s/1.0/2.0/ "$sourcetree/evil-2.0/dkms.conf" "$sourcetree/evil-2.0/post.sh" "$sourcetree/evil-2.0/evil.c"
	dkms_exits 0 "install of another version" install evil/2.0 -k $K
	dkms_exits 0 "remove" remove evil/2.0 -k $K
	is "$(snapshot "$installtree")" "$with_good" "what they are copies of stays"
	dkms_exits 0 "remove of the package with an original" remove good/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "the original was kept"
}

# A dkms was killed while it changed the kernel for another package.
killed_for_another()
{
	machine
	kernel $K
	kernel_module $K kernel/extra/evil.ko 1.0
	before=$(snapshot "$installtree")
	module evil 1.0 STRIP=no
	printf '%s\n' '$(M)/evil.ko: ; cp '"$installtree/$K/$dest/evil.ko"' $@' >> "$sourcetree/evil-1.0/Makefile"
	dkms build evil/1.0 -k $K > /dev/null
	ok "a copy of the kernel's module is built" cmp "$installtree/$K/$dest/evil.ko" "$dkmstree/evil/1.0/$K/$arch/module/evil.ko"
	: > "$dkmstree/.unfinished-$K"
	dkms_exits 0 "remove of what was never installed" remove evil/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "the kernel's module stays"
}

# A version has one more module than the one before, and somebody else has a file of that name.
one_more()
{
	local place

	for place in kernel/extra kernel/fs; do
		machine
		kernel $K
		module hello 1.0
		kernel_module $K $place/more.ko 0.5
		before=$(snapshot "$installtree")
		dkms install hello/1.0 -k $K > /dev/null
		module hello 1.1 'BUILT_MODULE_NAME[0]="hello"' 'BUILT_MODULE_NAME[1]="more"' \
			'DEST_MODULE_LOCATION[1]="/kernel/extra"'
		write_sources "$sourcetree/hello-1.1" 1.1 hello more
		dkms_exits 0 "install of a version with one more module, which is in $place" install hello/1.1 -k $K
		is "$(installed)" "./kernel/extra/hello.ko ./kernel/extra/more.ko" "installs it"
		dkms_exits 0 "remove" remove hello/1.1 -k $K
		is "$(snapshot "$installtree")" "$before" "the file in $place is there again"
	done
}

# Sets up a kernel with a module of its own, and two packages of one source, which make the same file.
two_of_one_source()
{
	local one

	machine
	kernel $K
	kernel_module $K $dest/same.ko 0.5
	before=$(snapshot "$installtree")
	for one in alpha beta; do
		module $one 1.0 'BUILT_MODULE_NAME[0]="same"'
		write_sources "$sourcetree/$one-1.0" 1.0 same
	done
	file=$installtree/$K/$dest/same.ko
	for one in alpha beta; do
		dkms install $one/1.0 -k $K > /dev/null
	done
}

same_bytes()
{
	local first second

	for first in alpha beta; do
		second=$([ $first = alpha ] && echo beta || echo alpha)
		two_of_one_source
		ok "two packages have built the same file" cmp "$dkmstree/alpha/1.0/$K/$arch/module/same.ko" \
			"$dkmstree/beta/1.0/$K/$arch/module/same.ko"
		dkms_exits 0 "remove $first" remove $first/1.0 -k $K
		ok "the file of $second stays" cmp "$file" "$dkmstree/$second/1.0/$K/$arch/module/same.ko"
		dkms_exits 0 "status" status $second/1.0
		is "$out" "$second/1.0, $K, $arch: installed (Original modules exist)" "it counts as it was"
		dkms_exits 0 "remove $second" remove $second/1.0 -k $K
		is "$(snapshot "$installtree")" "$before" "the kernel's module is there again"
	done
	two_of_one_source
	dkms install alpha/1.0 -k $K --force > /dev/null
	dkms_exits 0 "remove of the one that was installed again" remove alpha/1.0 -k $K
	ok "the other one's file stays" cmp "$file" "$dkmstree/beta/1.0/$K/$arch/module/same.ko"
	dkms_exits 0 "remove" remove beta/1.0 -k $K
	is "$(snapshot "$installtree")" "$before" "the kernel's module is there again"
}

of() { [ "$1" = alpha ] && echo alpha/2.0 || echo beta/1.0; }

# A version is installed over a file of another package that has replaced the one before.
take_turns()
{
	local first second

	for first in alpha beta; do
		second=$([ $first = alpha ] && echo beta || echo alpha)
		two_of_one_source
		module alpha 2.0 'BUILT_MODULE_NAME[0]="same"'
		write_sources "$sourcetree/alpha-2.0" 2.0 same
		dkms_exits 0 "install of a new version over another package's file" install alpha/2.0 -k $K
		is "$(module_field version "$file")" 2.0 "installs it"
		dkms_exits 0 "uninstall of $first" uninstall "$(of $first)" -k $K
		is "$(module_field version "$file")" "$([ $first = beta ] && echo 2.0 || echo 1.0)" "the file of $second is there"
		dkms_exits 0 "uninstall of $second" uninstall "$(of $second)" -k $K
		is "$(snapshot "$installtree")" "$before" "the kernel's module is there again"
	done
}

# Somebody has put a file in the place of ours.
kept()
{
	local own

	start
	rm "$file"
	kernel_module $K $dest/hello.ko 1.0.5 somebody
	own=$(cksum < "$file")
	module hello 1.1
	dkms_exits 0 "install of a new version over somebody's file" install hello/1.1 -k $K
	is "$(module_field version "$file")" 1.1 "installs it"
	dkms_exits 0 "remove" remove hello/1.1 -k $K
	is "$(cksum < "$file")" "$own" "somebody's file is there again"
	start
	rm "$file"
	kernel_module $K $dest/hello.ko 1.0.5 somebody
	module hello 1.1
	write_script "$work/bin/depmod" 'exit 1'
	dkms_exits 6 "depmod fails after such an install" install hello/1.1 -k $K
	rm "$work/bin/depmod"
	is "$(cksum < "$file")" "$own" "somebody's file is there again"
	is "$(state hello 1.0 $K)" installed "the version before counts as installed"
	ok "nothing is left among the originals" test ! -e "$dkmstree/hello/original_module"
	dkms_exits 0 "uninstall of that" uninstall hello/1.0 -k $K
	is "$(cksum < "$file")" "$own" "leaves somebody's file"
	# With one more module, as in one_more().
	start
	kernel_module $K kernel/fs/more.ko 0.5
	both=$(snapshot "$installtree")
	module hello 1.1 'BUILT_MODULE_NAME[0]="hello"' 'BUILT_MODULE_NAME[1]="more"' \
		'DEST_MODULE_LOCATION[1]="/kernel/extra"'
	write_sources "$sourcetree/hello-1.1" 1.1 hello more
	write_script "$work/bin/depmod" 'exit 1'
	dkms_exits 6 "depmod fails after an install of one more module" install hello/1.1 -k $K
	rm "$work/bin/depmod"
	is "$(snapshot "$installtree")" "$both" "the kernel's module of that name is back in its place"
}

the_record
replaced
changed
moved
killed
temporaries
undone
copies
killed_for_another
one_more
same_bytes
take_turns
kept
finish
