#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's dkms and ours read each other's trees alike. Needs the packages that
# tests/fetch-input --peers fetches; without them everything is skipped.
set -u
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"
ours=${DKMS:-dkms}
tool=${top_builddir:-.}/tests/interop/tree-tool
input=${DKMS_INPUT_DIR:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/dkms-input}
root=$work/root
mkdir "$root"

# 3.0.10 words the suffixes in its own way, and prints a warning for each module.
theirs() # PEER-STATUS-ARGS...
{
	"$peer" status --dkmstree "$root/dkms" --sourcetree "$root/src" \
		--installtree "$root/lib" "$@" 2>"$root/errors" |
	sed -e 's/(original_module exists)/(Original modules exist)/' \
		-e 's/(WARNING! Missing some built modules!)/(Built modules are missing in the kernel modules folder)/' \
		-e 's/(WARNING! Diff between built and installed module!)/(Differences between built and installed modules)/' |
	sort
}

ours() # [RELEASE]
{
	"$ours" status --dkmstree "$root/dkms" --sourcetree "$root/src" \
		--installtree "$root/lib" ${1:+-k "$1"} 2>/dev/null | sort
}

same() # TEXT [RELEASE]
{
	local text=$1

	shift
	is "$(ours "$@")" "$(theirs ${1:+-k "$1"})" "$suite: $text"
}

# 3.0.10 looks for headers in /lib/modules whatever the install tree is.
run() # DKMS ACTION ARG...
{
	"$@" --dkmstree "$root/dkms" --sourcetree "$root/src" --installtree "$root/lib" \
		--kernelsourcedir "$root/lib/$new/build" --no-depmod >"$root/log" 2>&1 && return
	echo "# $* failed:"
	sed 's/^/# /' "$root/log"
	return 1
}

dkms() # ACTION ARG...
{
	run "$peer" "$@"
}

module() # VERSION FILE
{
	${CC:-cc} -c "-DVERSION=\"$1\"" -o "$2" "${top_srcdir:-.}/tests/modules/plain.c"
}

# A source whose make has nothing to do, and two kernels.
fresh()
{
	local m k

	rm -rf "${root:?}"/{dkms,src,lib}
	mkdir -p "$root"/{dkms,lib}
	for m in alpha-1.9 alpha-1.10 be-ta-2.0-1; do
		mkdir -p "$root/src/$m"
		cat >"$root/src/$m/dkms.conf" <<-END
			PACKAGE_NAME="${m%-[0-9].*}"
			PACKAGE_VERSION="${m#"${m%-[0-9].*}-"}"
			BUILT_MODULE_NAME[0]="x"
			DEST_MODULE_NAME[0]="${m%%-*}"
			DEST_MODULE_LOCATION[0]="/updates/dkms"
			MAKE="true"
			CLEAN="true"
			STRIP="no"
		END
		module "$m" "$root/src/$m/x.ko"
		cp "$root/src/$m/x.ko" "$root/${m%%-*}.ko"
	done
	for k in "${kernels[@]}"; do
		mkdir -p "$root/lib/$k/build/include"
		touch "$root/lib/$k/build/.config"
	done
}

arch=$(uname -m)
kernels=(4.19.0-6-amd64 4.19.0-10-amd64)
new=${kernels[1]}
found=

for suite in bookworm trixie; do
	peer=$input/peers/$suite/dkms
	[ -x "$peer" ] || continue
	found=yes

	# Ours, read by theirs.
	fresh
	same "a tree with nothing in it"
	"$tool" "$root" add alpha 1.9
	"$tool" "$root" add alpha 1.10
	"$tool" "$root" add be-ta 2.0-1
	same "added by us"
	for k in "${kernels[@]}"; do
		"$tool" "$root" publish alpha 1.10 "$k" "$arch" "$root/alpha.ko"
	done
	"$tool" "$root" publish be-ta 2.0-1 "$new" "$arch" "$root/be.ko"
	same "built by us"
	same "built by us, one kernel" "$new"
	mkdir -p "$root/lib/$new/updates/dkms"
	cp "$root/alpha.ko" "$root/be.ko" "$root/lib/$new/updates/dkms"
	"$tool" "$root" installed alpha 1.10 "$new" "$arch"
	"$tool" "$root" installed be-ta 2.0-1 "$new" "$arch"
	same "installed by us"
	mkdir -p "$root/dkms/alpha/original_module/$new/$arch"
	same "with original modules"
	echo changed >>"$root/lib/$new/updates/dkms/be.ko"
	same "with a difference"
	rm "$root/lib/$new/updates/dkms/be.ko"
	same "with a file that is gone"
	ok "$suite: uninstalls what we installed" dkms uninstall be-ta/2.0-1 -k "$new" -a "$arch"
	same "which is built then"
	ok "$suite: unbuilds what we built" dkms unbuild be-ta/2.0-1 -k "$new" -a "$arch"
	same "which is added then"
	ok "$suite: removes what we added" dkms remove alpha/1.10 --all
	same "which is gone then"

	# The same by our program.
	fresh
	for m in alpha/1.9 alpha/1.10 be-ta/2.0-1; do
		run "$ours" add $m
	done
	same "added by our program"
	run "$ours" build alpha/1.10 -k "${kernels[0]}" -k "$new"
	same "built by it"
	run "$ours" install alpha/1.10 -k "$new"
	run "$ours" install be-ta/2.0-1 -k "$new"
	same "installed by it"
	like "$(theirs)" "^be-ta/2.0-1, $new, $arch: installed$" "$suite: which is not nothing"
	run "$ours" uninstall be-ta/2.0-1 -k "$new"
	same "uninstalled by it"
	ok "$suite: removes what it installed" dkms remove alpha/1.10 --all
	same "removed by them"
	ok "$suite: with its module" test ! -e "$root/lib/$new/updates/dkms/alpha.ko"

	# Theirs, read by ours.
	fresh
	dkms add alpha/1.9
	dkms add alpha/1.10
	dkms add be-ta/2.0-1
	same "added by them"
	exits 1 "$suite: is not added again" "$tool" "$root" add alpha 1.9
	for k in "${kernels[@]}"; do
		dkms build alpha/1.10 -k "$k" -a "$arch"
	done
	dkms build be-ta/2.0-1 -k "$new" -a "$arch"
	same "built by them"
	same "built by them, one kernel" "$new"
	dkms install alpha/1.10 -k "$new" -a "$arch"
	dkms install be-ta/2.0-1 -k "$new" -a "$arch"
	same "installed by them"
	like "$(ours)" "^alpha/1.10, $new, $arch: installed$" "$suite: which is not nothing"
	echo Alpha >"$root/lib/$new/updates/dkms/alpha.ko"
	same "with a difference"
	rm "$root/lib/$new/updates/dkms/alpha.ko"
	same "with a file that is gone"
	if [ "$suite" != bookworm ]; then # calls these added, or does not see them
		rm "$root/dkms/be-ta/2.0-1/$new/$arch/module/be.ko"
		same "with a built file that is gone"
		rm "$root/dkms/be-ta/2.0-1/source"
		same "broken: without a link"
		"$tool" "$root" add be-ta 2.0-1
		same "repaired by us"
		mv "$root/src/be-ta-2.0-1" "$root/src/away"
		same "broken: with a link to nothing"
		mv "$root/src/away" "$root/src/be-ta-2.0-1"
	fi
	"$tool" "$root" uninstalled alpha 1.10 "$new" "$arch"
	same "uninstalled by us"
	"$tool" "$root" unpublish alpha 1.10 "$new" "$arch"
	same "unbuilt by us"
	"$tool" "$root" forget alpha 1.10
	same "forgotten by us"
	"$tool" "$root" forget be-ta 2.0-1
	"$tool" "$root" forget alpha 1.9
	same "forgotten altogether"
	is "$(ls "$root/dkms")" "" "$suite: nothing is left"
done

[ -n "$found" ] || skip_all "no other dkms in $input (tests/fetch-input --peers)"
finish
