#!/bin/bash
# dkms doctor: what it finds, and what --fix does.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
private_etc || skip_all "namespaces are not permitted here"

# Prints the kinds of findings and what --fix would do.
kinds()
{
	run_dkms doctor --json
	jq -r '.findings[] | "\(.kind): \(.fix // "-")"' <<< "$out" | paste -sd,
}

new_machine()
{
	machine
	kernel $K
	kernel $K7
	add evdi 1.0
	dkms install evdi/1.0 -k $K > /dev/null
}

# Checks that the doctor finds KINDS, changes nothing, and then with --fix finds LEFT.
finds() # DESCRIPTION KINDS [LEFT]
{
	local before

	before=$(snapshot "$dkmstree" "$installtree")
	is "$(kinds)" "$2" "$1: found"
	is "$(snapshot "$dkmstree" "$installtree")" "$before" "$1: nothing is changed"
	run_dkms doctor
	is "$status" 1 "$1: the status says so"
	run_dkms doctor --fix
	is "$status" "$([ -n "${3:-}" ] && echo 1 || echo 0)" "$1: the status after --fix"
	[ -n "${3:-}" ] || like "$out" "all [0-9]+ checks are good$" "$1: all is well then"
	is "$(kinds)" "${3:-}" "$1: what is left"
}

well()
{
	new_machine
	dkms_exits 0 "all is well" doctor
	like "$out" "^all [0-9]+ checks are good$" "it says so"
	run_dkms doctor --json
	is "$(jq -r '"\(.schema) \(.checks > 5) \(.findings | length)"' <<< "$out")" "dkms-doctor-1 true 0" "--json"
	mkdir -p "$dkmstree/left/1.0"
	dkms_exits 0 "--fix" doctor --fix
	is "$err" "" "it has no default kernel to warn of"
	mkdir -p "$dkmstree/left/1.0"
	dkms_exits 0 "--fix --json" doctor --fix --json
	is "$(jq -r '.findings | length' <<< "$out")" 0 "its output is one document, about what is left"
	machine
	dkms_exits 0 "empty trees" doctor
	dkms_exits 2 "--dry-run" doctor --dry-run
}

tree()
{
	new_machine
	mkdir -p "$dkmstree/left/1.0/build"
	finds "a leftover" "leftover: removes it"
	ok "it is removed" test ! -e "$dkmstree/left"
	rm "$dkmstree/evdi/1.0/source"
	finds "a lost link to the source" "broken: adds it again"
	mv "$sourcetree/evdi-1.0" "$work/away"
	finds "a lost source" "broken: -" "broken: -"
	mv "$work/away" "$sourcetree/evdi-1.0"
	is "$(kinds)" "" "the source is back"
	rm -r "${dkmstree:?}/evdi/1.0/$K"
	finds "a link of what is installed" "link: removes the link,unknown: -" "unknown: -"
	ok "the file of which nothing shows whose it is stays" test -e "$installtree/$K/$dest/evdi.ko"
	ok "the link is gone" test ! -L "$dkmstree/evdi/kernel-$K-$arch"
	run_dkms doctor
	like "$out" "^  unknown    neither the dkms tree nor a package knows $installtree/$K/$dest/evdi.ko$" "it is named"
}

kernels()
{
	new_machine
	dkms install evdi/1.0 -k $K7 > /dev/null
	rm -r "${installtree:?}/$K7"
	finds "a kernel that is gone" "gone: deletes what was built"
	is "$(state evdi 1.0 $K) $(state evdi 1.0 $K7)" "installed added" "the other one stays"
	mv "$installtree" "$installtree.away"
	is "$(kinds)" "" "no install tree at all does not mean that all kernels are gone"
	mv "$installtree.away" "$installtree"
	kernel $K7
	dkms build evdi/1.0 -k $K7 > /dev/null
	touch "$dkmstree/evdi/1.0/$K7/$arch/from-archive"
	rm -r "${installtree:?}/$K7"
	finds "modules from an archive" "gone: -" "gone: -"
}

files()
{
	new_machine
	rm "$installtree/$K/$dest/evdi.ko"
	finds "a module that is gone" "missing: installs it again"
	ok "it is there" test -e "$installtree/$K/$dest/evdi.ko"
	echo x >> "$installtree/$K/$dest/evdi.ko"
	finds "a module that is another one" "differs: -" "differs: -"
	dkms install evdi/1.0 -k $K --force > /dev/null
	echo '/* new */' >> "$sourcetree/evdi-1.0/evdi.c"
	finds "a source that has changed" "stale: builds it again"
	is "$(state evdi 1.0 $K)" installed "it is installed"
	rm "$dkmstree/evdi/1.0/$K/$arch/module/evdi.ko"
	run_dkms doctor --fix
	is "$(kinds)" "" "a built module that is gone is built again"
	sed -i '/evdi/d' "$installtree/$K/modules.dep"
	finds "a module that depmod has not seen" "depmod: runs depmod"
	ok "depmod knows it" grep -q evdi "$installtree/$K/modules.dep"
	rm "$installtree/$K/$dest/evdi.ko"
	ln -s "$dkmstree/evdi/0.9/$K/$arch/module/old.ko" "$installtree/$K/$dest/old.ko"
	dkms install evdi/1.0 -k $K --force > /dev/null
	finds "a link from the kernel's directory to what is gone" "link: removes the link"
	ok "it is removed" test ! -L "$installtree/$K/$dest/old.ko"
}

compressed()
{
	new_machine
	xz "$installtree/$K/$dest/evdi.ko"
	depmod -b "$machine" $K 2> /dev/null || true
	ok "depmod has seen the compressed file" grep -q evdi.ko.xz: "$installtree/$K/modules.dep"
	is "$(kinds)" "differs: -" "a module that somebody has compressed is known to the dkms tree and to depmod"
	echo x > "$installtree/$K/$dest/other.ko.xz"
	is "$(kinds)" "differs: -,unknown: -" "another one in the same place is not"
}

crashes()
{
	new_machine
	touch "$dkmstree/.unfinished-$K"
	rm "$installtree/$K/$dest/evdi.ko"
	run_dkms doctor --json
	like "$(jq -r '.findings[].fix' <<< "$out" | paste -sd,)" "finishes it" "a kernel that was left unfinished"
	dkms_exits 0 "it is finished" doctor --fix
	ok "the module is there" test -e "$installtree/$K/$dest/evdi.ko"
	touch "$dkmstree/.depmod-$K"
	finds "a depmod that has failed" "half-done: runs depmod"
	# depmod fails while a file is put back.
	new_machine
	rm "$installtree/$K/$dest/evdi.ko"
	write_script "$work/bin/depmod" 'exit 1'
	run_dkms doctor --fix
	rm "$work/bin/depmod"
	is "$status $(state evdi 1.0 $K)" "6 installed" "a file is put back, and depmod fails: the module stays installed"
	ok "the file is there" test -e "$installtree/$K/$dest/evdi.ko"
	finds "what is left to do" "half-done: runs depmod"
	ok "depmod knows it" grep -q evdi "$installtree/$K/modules.dep"
	mkdir "$dkmstree/.run-abcdef" "$dkmstree/evdi/1.0/.job-$K-$arch"
	finds "what a killed dkms has left" "half-done: removes what it left"
	ok "it is gone" test ! -e "$dkmstree/evdi/1.0/.job-$K-$arch"
	mkdir -m 700 "$dkmstree/.locks"
	touch "$dkmstree/.locks/a" "$dkmstree/.locks/b"
	exec 7< "$dkmstree/.locks/a"
	flock 7
	finds "a lock of a process that is gone" "lock: removes what it left"
	ok "that of one that lives stays" test -e "$dkmstree/.locks/a"
	exec 7<&-
}

signatures()
{
	new_machine
	printf '%s\n' CONFIG_MODULE_SIG_FORCE=y 'CONFIG_MODULE_SIG_HASH="sha256"' \
		>> "$machine/usr/src/linux-headers-$K/include/config/auto.conf"
	dkms unbuild evdi/1.0 -k $K > /dev/null
	dkms install evdi/1.0 -k $K > /dev/null 2>&1
	write_script "$work/signer" 'echo "~Module signature appended~" >> "$4"'
	mkdir "$work/keys"
	printf '%s\n' "sign_file=$work/signer" "mok_signing_key=$work/keys/mok.key" "mok_certificate=$work/keys/mok.pub" \
		> "$etc/framework.conf"
	run_dkms doctor
	like "$out" "^  unsigned   evdi.ko of evdi/1.0 has no signature, and $K takes no module without one$" \
		"an unsigned module for a kernel that takes none"
	touch "$dkmstree/evdi/1.0/$K/$arch/from-archive"
	finds "one that came with an archive" "unsigned: -" "unsigned: -"
	rm "$dkmstree/evdi/1.0/$K/$arch/from-archive"
	finds "it" "unsigned: signs it"
	ok "the module in the kernel's directory is signed" grep -q "~Module signature appended~" "$installtree/$K/$dest/evdi.ko"
	rm "$etc/framework.conf"
}

cache()
{
	local object

	machine
	kernel $K
	trees=("${trees[@]:0:6}" --cache-dir "$work/cache")
	add evdi 1.0
	dkms install evdi/1.0 -k $K > /dev/null
	is "$(kinds)" "" "a good cache"
	object=$(find "$work/cache" -path '*objects*' -type f | head -1)
	echo x >> "$object"
	run_dkms doctor --json
	like "$(jq -r '.findings[] | "\(.kind) \(.path)"' <<< "$out")" "^cache $object$" "a damaged object"
	ok "it stays" test -e "$object"
	run_dkms doctor --fix
	ok "--fix removes it" test ! -e "$object"
	is "$(kinds)" "" "the cache is good"
	trees=("${trees[@]:0:6}" --no-cache)
}

# Settings with which nothing comes from a remote cache.
remote()
{
	local keys=$etc/remote.d

	new_machine
	mkdir -p "$keys"
	echo remote=http://127.0.0.1:1 > "$etc/framework.conf"
	finds "no public key" "remote: -" "remote: -"
	run_dkms doctor
	like "$out" "^  remote     the remote cache is not used: there is no public key in $keys$" "it is said"
	(cd "$work" && rm -f build1.* && "$DKMS" remote keygen build1 > /dev/null)
	cp "$work/build1.pub" "$keys/"
	is "$(kinds)" "" "with a key all is well"
	echo remote_require=2 >> "$etc/framework.conf"
	is "$(kinds)" "remote: -" "fewer keys than have to agree"
	printf '%s\n' remote=http://127.0.0.1:1 remote_sign_key="$work/none.sec" > "$etc/framework.conf"
	run_dkms doctor
	like "$out" "^  remote     the remote cache: .*$work/none.sec: No such file" "a key that is missing is named"
	printf '%s\n' remote=http://127.0.0.1:1 remote_password_file="$work/none" > "$etc/framework.conf"
	run_dkms doctor
	like "$out" "^  remote     the remote cache: .*$work/none: No such file" "so is a password"
	echo nonsense > "$keys/build1.pub"
	echo remote=http://127.0.0.1:1 > "$etc/framework.conf"
	run_dkms doctor
	like "$out" "^  remote     the remote cache: .*$keys/build1.pub" "and a file that is no key"
	rm -r "$keys" "$etc/framework.conf"
}

bug_report()
{
	new_machine
	module bad 1.0 "PRE_BUILD=pre.sh"
	write_script "$sourcetree/bad-1.0/pre.sh" 'echo "# environment: X=envsecret"; echo "fetch https://joe:hunter2@example.org/x https://eve:hunter2@example.org/y"; exit 3'
	printf '%s\n' 'mok_signing_key="pkcs11:token=x?pin-value=4711secret"' "history=$work/history.jsonl" \
		> "$etc/framework.conf"
	KBUILD_SIGN_PIN=pinsecret KCFLAGS=-Denvsecret run_dkms build bad/1.0 -k $K
	printf -- '-----BEGIN PRIVATE KEY-----\nkeysecret\n-----END PRIVATE KEY-----\n' > "$dkmstree/mok.key"
	ok "the log of the build tells of the environment" grep -q envsecret "$dkmstree/bad/1.0/build/$K-$arch/make.log"
	KBUILD_SIGN_PIN=pinsecret SECRET=envsecret run_dkms doctor --report "$work/report.tar.gz"
	like "$out" "$work/report.tar.gz has what a report of a bug needs" "it says so"
	is "$(stat -c %a "$work/report.tar.gz")" 600 "nobody else can read it"
	is "$(tar tzf "$work/report.tar.gz" | sort | paste -sd' ')" \
		"built/evdi-1.0-$K-$arch.log conf/bad-1.0 conf/evdi-1.0 doctor.json failed/bad-1.0-$K-$arch.log history.jsonl machine os-release status.json" "what is in it"
	tar xzOf "$work/report.tar.gz" > "$work/report"
	ok "the log is there" grep -q "PRE_BUILD exited 3" "$work/report"
	is "$(grep -ciE 'PRIVATE KEY|keysecret|4711secret|pinsecret|envsecret|hunter2' "$work/report")" 0 \
		"no key, PIN, password or variable is in it"
	ok "the rest of an address is" grep -q "https://...@example.org/x" "$work/report"
	rm "$etc/framework.conf"
	if setpriv --reuid=4242 --clear-groups true 2> /dev/null; then
		mv "$sourcetree/bad-1.0" "$work/joe"
		ln -s "$work/joe" "$sourcetree/bad-1.0"
		echo linksecret > "$work/shadow"
		chmod 600 "$work/shadow"
		ln -sf "$work/shadow" "$work/joe/dkms.conf"
		chown -Rh 4242 "$work/joe"
		run_dkms doctor --report "$work/report.tar.gz"
		is "$(tar tzf "$work/report.tar.gz" | grep -c conf/)" 1 "where another user has put a link to root's file, it is left out"
	fi
	dkms_exits 1 "a report that cannot be written" doctor --report "$work/none/report.tar.gz"
}

well
tree
kernels
files
compressed
crashes
signatures
cache
remote
bug_report
finish
