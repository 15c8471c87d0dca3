#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's dkms and this dkms read each other's trees and print the same status. Needs the packages
# that tests/fetch-input --peers fetches; without them everything is skipped.
set -u
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"
ours=${DKMS:-dkms}
tool=${top_builddir:-.}/tests/interop/tree-tool
input=${DKMS_INPUT_DIR:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/dkms-input}
export HOME=$work # Debian's dkms calls rpm, which makes a database there
root=$work/root
mkdir "$root"

# Prints the status by Debian's dkms. Version 3.0.10 has other words for the suffixes, and prints a
# warning for each module.
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

# Runs Debian's dkms. Version 3.0.10 looks for headers in /lib/modules, whatever the install tree
# is.
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

# Makes a source with nothing to make, and two kernels.
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

	# Trees of this dkms, read by Debian's.
	fresh
	same "an empty tree"
	"$tool" "$root" add alpha 1.9
	"$tool" "$root" add alpha 1.10
	"$tool" "$root" add be-ta 2.0-1
	same "added by this dkms"
	for k in "${kernels[@]}"; do
		"$tool" "$root" publish alpha 1.10 "$k" "$arch" "$root/alpha.ko"
	done
	"$tool" "$root" publish be-ta 2.0-1 "$new" "$arch" "$root/be.ko"
	same "built by this dkms"
	same "built by this dkms, one kernel" "$new"
	mkdir -p "$root/lib/$new/updates/dkms"
	cp "$root/alpha.ko" "$root/be.ko" "$root/lib/$new/updates/dkms"
	"$tool" "$root" installed alpha 1.10 "$new" "$arch"
	"$tool" "$root" installed be-ta 2.0-1 "$new" "$arch"
	same "installed by this dkms"
	mkdir -p "$root/dkms/alpha/original_module/$new/$arch"
	same "with original modules"
	echo changed >>"$root/lib/$new/updates/dkms/be.ko"
	same "with a changed file"
	rm "$root/lib/$new/updates/dkms/be.ko"
	same "with a missing file"
	ok "$suite: Debian's dkms uninstalls what this dkms installed" dkms uninstall be-ta/2.0-1 -k "$new" -a "$arch"
	same "built after uninstall by Debian's dkms"
	ok "$suite: Debian's dkms unbuilds what this dkms built" dkms unbuild be-ta/2.0-1 -k "$new" -a "$arch"
	same "added after unbuild by Debian's dkms"
	ok "$suite: Debian's dkms removes what this dkms added" dkms remove alpha/1.10 --all
	same "gone after remove by Debian's dkms"

	# Trees that the built program makes.
	fresh
	for m in alpha/1.9 alpha/1.10 be-ta/2.0-1; do
		run "$ours" add $m
	done
	same "added by the program"
	run "$ours" build alpha/1.10 -k "${kernels[0]}" -k "$new"
	same "built by the program"
	run "$ours" install alpha/1.10 -k "$new"
	run "$ours" install be-ta/2.0-1 -k "$new"
	same "installed by the program"
	like "$(theirs)" "^be-ta/2.0-1, $new, $arch: installed$" "$suite: Debian's dkms sees it installed"
	run "$ours" uninstall be-ta/2.0-1 -k "$new"
	same "uninstalled by the program"
	ok "$suite: Debian's dkms removes what this dkms installed" dkms remove alpha/1.10 --all
	same "removed by Debian's dkms"
	ok "$suite: its module is removed" test ! -e "$root/lib/$new/updates/dkms/alpha.ko"

	# Trees of Debian's dkms, read by this one.
	fresh
	dkms add alpha/1.9
	dkms add alpha/1.10
	dkms add be-ta/2.0-1
	same "added by Debian's dkms"
	exits 1 "$suite: a version of Debian's dkms is not added again" "$tool" "$root" add alpha 1.9
	for k in "${kernels[@]}"; do
		dkms build alpha/1.10 -k "$k" -a "$arch"
	done
	dkms build be-ta/2.0-1 -k "$new" -a "$arch"
	same "built by Debian's dkms"
	same "built by them, one kernel" "built by Debian's dkms, one kernel"
	dkms install alpha/1.10 -k "$new" -a "$arch"
	dkms install be-ta/2.0-1 -k "$new" -a "$arch"
	same "installed by Debian's dkms"
	like "$(ours)" "^alpha/1.10, $new, $arch: installed$" "$suite: this dkms sees it installed"
	echo Alpha >"$root/lib/$new/updates/dkms/alpha.ko"
	same "with a changed file"
	rm "$root/lib/$new/updates/dkms/alpha.ko"
	same "with a missing file"
	if [ "$suite" != bookworm ]; then # calls these added, or does not see them
		rm "$root/dkms/be-ta/2.0-1/$new/$arch/module/be.ko"
		same "with a missing built file"
		rm "$root/dkms/be-ta/2.0-1/source"
		same "broken: without a link"
		"$tool" "$root" add be-ta 2.0-1
		same "repaired by this dkms"
		mv "$root/src/be-ta-2.0-1" "$root/src/away"
		same "broken: with a link to nothing"
		mv "$root/src/away" "$root/src/be-ta-2.0-1"
	fi
	"$tool" "$root" uninstalled alpha 1.10 "$new" "$arch"
	same "uninstalled by this dkms"
	"$tool" "$root" unpublish alpha 1.10 "$new" "$arch"
	same "unbuilt by this dkms"
	"$tool" "$root" forget alpha 1.10
	same "forgotten by this dkms"
	"$tool" "$root" forget be-ta 2.0-1
	"$tool" "$root" forget alpha 1.9
	same "forgotten altogether"
	is "$(ls "$root/dkms")" "" "$suite: no file is left"
done

[ -n "$found" ] || skip_all "no other dkms in $input (tests/fetch-input --peers)"
finish
