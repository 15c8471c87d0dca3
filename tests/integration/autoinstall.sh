#!/bin/bash
# One autoinstall of real modules for three real kernels: each module is checked, and everything is
# removed again. Then trees that are shared with Debian's dkms.
# Run by make check; alone: DKMS=./dkms top_srcdir=. tests/integration/autoinstall.sh
set -eu
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"
# shellcheck source=tests/lib/read-conf.sh
. "${top_srcdir:?}/tests/lib/read-conf.sh"

command -v apt-get >/dev/null || skip_all "kernels and modules come from Debian's packages"
machine=$(uname -m)
fetch_input --image --peers
root=$(sed -n 's/^root //p' "$work/input")
mapfile -t kernels < <(sed -n 's/^kernel //p' "$work/input")
mapfile -t modules < <(sed -n 's/^module //p' "$work/input")

trees=(--dkmstree "$work/dkms" --sourcetree "$work/src" --installtree "$work/lib/modules")
ours=("${trees[@]}" --no-cache)
ours() { "$DKMS" "$@" "${ours[@]}"; }
peer() { env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "HOME=$work" "$peer_path" "$@" "${trees[@]}" </dev/null; }

# readelf warns of a section that older versions of Debian's dkms look into; such a warning is not
# part of the status.
peer_status() { peer status 2>&1 | grep -v '^readelf: Warning: '; }

# Lists every file below the kernels' directories, and the content of modules.dep.
snapshot() { (cd "$work/lib" && find . -name 'modules.*.bin' -prune -o -print | sort; cat modules/*/modules.dep); }

mkdir -p "$work/dkms" "$work/src" "$work/lib/modules"
for kernel in "${kernels[@]}"; do
	cp -a "$root/lib/modules/$kernel" "$work/lib/modules/"
done
for module in "${modules[@]}"; do
	cp -a "$root/usr/src/${module/\//-}" "$work/src/"
done
snapshot > "$work/before"

for module in "${modules[@]}"; do
	ok "add $module" ours add "$module"
done
is "$(ours status)" "$(printf '%s: added\n' "${modules[@]}" | LC_ALL=C sort)" "status: all are added"

options=()
for kernel in "${kernels[@]}"; do
	options+=(-k "$kernel")
done
note "autoinstall of ${modules[*]} on ${kernels[*]}"
start=$SECONDS
status=0
ours autoinstall "${options[@]}" > "$work/tap.out" 2>&1 || status=$?
note "took $((SECONDS - start)) s"

# A module that does not compile is left out from here on.
asked=${#modules[@]}
for i in "${!modules[@]}"; do
	module=${modules[i]} source=$work/src/${module/\//-}
	for kernel in "${kernels[@]}"; do
		[ ! -e "$work/dkms/$module/build/$kernel-$machine/make.log" ] || break
		kernel=
	done
	[ -n "$kernel" ] || continue
	if plain_make "$module" "$source" "$kernel" "$root/lib/modules/$kernel/build"; then
		report 1 "$module is built for $kernel"
		continue
	fi
	note "$module does not compile for $kernel: $(grep -m 1 "rror: \|ERROR" "$work/plain-make.log")"
	ours remove "$module" --all > /dev/null
	rm -r "$source"
	unset "modules[i]"
done
modules=("${modules[@]}")
is "$status" "$([ "$asked" -eq ${#modules[@]} ] && echo 0 || echo 11)" "autoinstall, all kernels in one run"
[ "$status" -eq 0 ] || note "$(tail -n 30 "$work/tap.out")"
ok "most modules compile" test ${#modules[@]} -gt $((asked / 2))

ours status > "$work/status"
expected=0
complete=()
for kernel in "${kernels[@]}"; do
	complete+=(-k "$kernel")
	for module in "${modules[@]}"; do
		on="$module on $kernel"
		says=("$work/src/${module/\//-}/dkms.conf" "$kernel" "$root/lib/modules/$kernel/build")
		if with_conf "${says[@]}" is_excluded; then
			is "$(grep -c "^$module, $kernel," "$work/status")" 0 "$on: it is excluded"
			[ "${complete[-1]}" != "$kernel" ] || unset 'complete[-1]' 'complete[-1]'
			continue
		fi
		expected=$((expected + 1))
		like "$(grep -F "$module, $kernel, " "$work/status")" \
			", $machine: installed( \(Original modules exist\))?\$" "$on: status says installed"
		ok "$on: has a make.log" \
			test -s "$work/dkms/$module/$kernel/$machine/log/make.log"
		for name in $(with_conf "${says[@]}" module_names); do
			file=$(echo "$work/lib/modules/$kernel/updates/dkms/$name".ko*)
			ok "$on: $name is in updates/dkms" test -f "$file"
			like "$(modinfo -F vermagic "$file" 2>&1)" "^${kernel//[.+]/.} " \
				"$on: $name is for this kernel"
			[ ! -e "$work/lib/modules/$kernel/modules.dep" ] ||
				ok "$on: modules.dep lists $name" grep -q "^updates/dkms/${file##*/}:" \
					"$work/lib/modules/$kernel/modules.dep"
		done
	done
done
is "$(wc -l < "$work/status")" "$expected" "status: there are no other lines"

# An autoinstall prints excluded modules again.
snapshot > "$work/installed"
is "$(ours autoinstall "${complete[@]}" 2>&1; echo "exit $?")" "exit 0" "a second autoinstall prints nothing"
ok "autoinstall again, all kernels" ours autoinstall "${options[@]}"
snapshot > "$work/again"
ok "a second autoinstall changes nothing" cmp "$work/installed" "$work/again"

# Only the words in brackets differ between versions of dkms.
lines() { sed 's| (.*||' | LC_ALL=C sort; }

# Version 3.0.10 looks into /lib/modules to find how modules are compressed, wherever they are
# installed. So whether it finds the modules of a kernel with compressed modules depends on the
# system.
compressing()
{
	for kernel in "${kernels[@]}"; do
		! grep -qs '\.ko\.[a-z]*:' "$work/lib/modules/$kernel/modules.dep" || echo ", $kernel, "
	done
}

while read -r _ suite version peer_path; do
	: > "$work/unseen"
	[[ $version != 3.0.* ]] || compressing > "$work/unseen"
	is "$(peer_status | grep -vFf "$work/unseen" | lines)" "$(grep -vFf "$work/unseen" "$work/status" | lines)" \
		"Debian's dkms $version ($suite) reads our tree as we do"
done < <(grep '^peer ' "$work/input")

# Uninstall from one kernel first, and then from all others.
first=${modules[0]}
before=$(($(grep -c "^$first, " "$work/status") - 1))
ok "uninstall $first from one kernel" ours uninstall "$first" -k "${kernels[0]}"
is "$(ours status "$first" -k "${kernels[0]}")" "$first, ${kernels[0]}, $machine: built" \
	"$first is built there still"
is "$(ours status "$first" | grep -c ': installed')" "$before" \
	"$first is installed on the other kernels"
for module in "${modules[@]}"; do
	ok "uninstall $module --all" ours uninstall "$module" --all
done
snapshot > "$work/after"
ok "uninstall leaves the kernels' directories as before" diff "$work/before" "$work/after"
is "$(ours status | grep -vc ': built$' || true)" 0 "status: all modules are built"
for module in "${modules[@]}"; do
	ok "remove $module --all" ours remove "$module" --all
done
is "$(ours status 2>&1)" "" "status: no module is left"
is "$(find "$work/dkms" -mindepth 1 ! -name 'mok.*' -not -name '.*' -not -path '*/.*')" "" \
	"the dkms tree is empty, except for the key pair"

# The reverse: Debian's dkms builds and installs, and this dkms continues. Debian's dkms runs depmod
# on /lib/modules only and needs its keys in the system, so it runs without depmod and without
# signing.
kernel=${kernels[0]}
grep -v CONFIG_MODULE_SIG_HASH "$root/lib/modules/$kernel/build/.config" > "$work/config"
for module in "${modules[@]}"; do
	[[ $module != acpi-call/* ]] || break
done
while read -r _ suite version peer_path; do
	by="made by Debian's dkms $version"
	ok "$by: $module is installed" peer install "$module" -k "$kernel" --no-depmod \
		--kernelsourcedir "$root/lib/modules/$kernel/build" --config "$work/config"
	is "$(ours status 2>&1)" "$(peer status)" "$by: both print the same status"
	is "$(ours status 2>&1)" "$module, $kernel, $machine: installed" "$by: status has the module installed"
	is "$(ours autoinstall -k "$kernel" 2>&1; echo "exit $?")" "exit 0" "$by: autoinstall has nothing to do"
	ok "$by: this dkms uninstalls it" ours uninstall "$module" -k "$kernel"
	is "$(peer_status)" "$module, $kernel, $machine: built" "$by: Debian's dkms sees it built"
	ok "$by: this dkms installs it again" ours install "$module" -k "$kernel"
	is "$(peer_status)" "$module, $kernel, $machine: installed" "$by: Debian's dkms sees it installed"
	ok "$by: this dkms removes it" ours remove "$module" --all
	snapshot > "$work/after"
	ok "$by: no file of it is left" diff "$work/before" "$work/after"
done < <(grep '^peer ' "$work/input")

finish
