#!/bin/bash
# dkms skip and unskip: the administrator's word keeps a module off kernels.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
private_etc || skip_all "namespaces are not permitted here"
list=$etc/skip.list

records()
{
	grep -v '^#' "$list" | paste -sd,
}

new_machine()
{
	rm -f "$list"
	machine
	kernel $K
	kernel $K7
	add wifi 5.8
	add other 1.0
}

writes()
{
	new_machine
	dkms_exits 0 "skip without a list" skip
	is "$out$err" "" "there is nothing to print"
	dkms_exits 1 "unskip without a module" unskip -k $K
	dkms_exits 4 "skip without a kernel" skip wifi
	like "$err" "skip needs kernels: -k KVER, or --all" "it says what is missing"
	dkms_exits 2 "--all with -k" skip wifi --all -k $K
	ok "nothing was written" test ! -e "$list"
	dkms_exits 0 "skip NAME -k K" skip wifi -k $K7
	is "$out$err" "dkms: wifi for $K7: skipped" "it says so"
	dkms_exits 0 "again" skip wifi/5.8 -k $K7
	is "$out" "dkms: wifi/5.8 for $K7: already skipped" "all versions include this one"
	dkms_exits 0 "skip NAME/VERSION --all" skip other/1.0 --all
	is "$(records)" "wifi $K7,other/1.0 *" "the file has both"
	dkms_exits 0 "several kernels" skip other -k $K -k $K7
	dkms_exits 0 "skip prints the list" skip
	is "$out" "wifi, $K7: skipped
other/1.0, all kernels: skipped
other, $K: skipped
other, $K7: skipped" "a line for each"
	run_dkms skip --json
	is "$(jq -c '.schema, (.skipped[] | [.module, .version, .kernel])' <<< "$out" | paste -sd' ')" \
		"\"dkms-skip-1\" [\"wifi\",null,\"$K7\"] [\"other\",\"1.0\",null] [\"other\",null,\"$K\"] [\"other\",null,\"$K7\"]" "--json"
	dkms_exits 3 "unskip of less than what is skipped" unskip other/1.0 -k $K
	like "$err" "dkms unskip other/1.0 --all" "it names the wider word"
	dkms_exits 3 "unskip of a kernel, when all are skipped" unskip other -k $K
	is "$(records)" "wifi $K7,other/1.0 *,other $K7" "but the word for this kernel is gone"
	printf '# mine\nodd  %s  %s\nlast' $K $K7 >> "$list"
	dkms_exits 0 "unskip --all" unskip other --all
	dkms_exits 0 "one kernel of a line that somebody has written" unskip odd -k $K
	is "$(tail -n +2 "$list" | paste -sd,)" "wifi $K7,# mine,odd $K7,last" "the other lines stay"
	dkms_exits 0 "a name without a kernel means all kernels" unskip last --all
	dkms_exits 0 "unskip of what is not skipped" unskip other -k $K
	is "$out" "dkms: other for $K: not skipped" "it says so"
	dkms_exits 0 "a name that nobody knows" skip wfi -k $K
	like "$err" "warning: wfi is neither in $dkmstree nor in $sourcetree" "is perhaps misspelled"
	is "$(stat -c %a "$list")" 644 "anybody may read the list"
	exits 3 "no line can be written into the list by a name" dkms skip $'a\nb' -k $K
	exits 16 "nor by a kernel" dkms skip wifi -k $'a\nb'
}

at_once()
{
	local i pids=()

	rm -f "$list"
	for i in 1 2 3 4 5 6 7 8; do
		dkms skip "m$i" --all > /dev/null 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	is "$(grep -c '^m[1-8] \*$' "$list")" 8 "processes that write the list at once lose nothing"
}

installs()
{
	new_machine
	dkms skip wifi -k $K > /dev/null
	dkms_exits 77 "install" install wifi/5.8 -k $K
	is "$out" "dkms: wifi/5.8 for $K: skipped: dkms skip keeps it off this kernel; --force installs it, dkms unskip wifi -k $K lets it in" "it says so"
	is "$(state wifi 5.8 $K)" added "nothing is built"
	dkms_exits 0 "build" build wifi/5.8 -k $K
	is "$(state wifi 5.8 $K)" built "is not concerned"
	dkms_exits 0 "install on two kernels" install wifi/5.8 -k $K -k $K7
	is "$(state wifi 5.8 $K) $(state wifi 5.8 $K7)" "built installed" "only one of them"
	run_dkms install wifi/5.8 -k $K --dry-run --explain
	like "$out" "^wifi/5.8 for $K: excluded \(dkms skip keeps it off" "--dry-run tells it"
	run_dkms install wifi/5.8 -k $K --json
	is "$(jq -r '.jobs[0] | "\(.result) \(.status)"' <<< "$out")" "excluded 77" "--json"
	dkms_exits 77 "match" match --templatekernel $K7 -k $K
	is "$(state wifi 5.8 $K)" built "is kept off as well"
	dkms_exits 0 "install --force" install wifi/5.8 -k $K --force
	is "$(state wifi 5.8 $K)" installed "does it"
	is "$(records)" "wifi $K" "and leaves the list"
	dkms_exits 0 "what is installed" install wifi/5.8 -k $K
	is "$out" "dkms: wifi/5.8 for $K: already installed" "stays"
	run_dkms skip wifi --all
	is "$out" "dkms: wifi for all kernels: skipped
      it stays installed on $K; dkms uninstall wifi/5.8 -k $K removes it
      it stays installed on $K7; dkms uninstall wifi/5.8 -k $K7 removes it" "skip names what is installed"
	chmod 0 "$list"
	mkdir -p "$work/denied"
	mount --bind "$work/denied" "$list" 2> /dev/null || { rm "$list"; mkdir "$list"; }
	dkms_exits 1 "a list that cannot be read" install other/1.0 -k $K
	is "$(state other 1.0 $K)" added "does not mean that nothing is skipped"
	dkms_exits 1 "for autoinstall, too" autoinstall -k $K
	is "$(state other 1.0 $K)" added "it does nothing"
	rm -rf "$list"
}

hooks()
{
	new_machine
	add needs 1.0 'BUILD_DEPENDS[0]=wifi'
	dkms skip wifi -k $K > /dev/null
	dkms_exits 0 "autoinstall" autoinstall -k $K
	is "$(state wifi 5.8 $K) $(state other 1.0 $K) $(state needs 1.0 $K)" "added installed added" "leaves out the module and what needs it"
	like "$err" "needs/1.0 for $K is deferred: it needs wifi, which dkms skip keeps off this kernel" "it says why"
	dkms_exits 0 "kernel_postinst" kernel_postinst -k $K --force
	is "$(state wifi 5.8 $K)" added "leaves it out, even with --force"
	run_dkms autoinstall -k $K --dry-run --explain
	like "$out" "^wifi/5.8 for $K: nothing, skipped: dkms unskip wifi -k $K$" "--explain says so"
	dkms_exits 0 "autoinstall on a kernel that is not named" autoinstall -k $K7
	is "$(state wifi 5.8 $K7) $(state needs 1.0 $K7)" "installed installed" "installs both"
	dkms_exits 0 "unskip" unskip wifi -k $K
	is "$out" "dkms: wifi for $K: no longer skipped
      dkms autoinstall -k $K installs what is missing" "it says what comes next"
	dkms_exits 0 "autoinstall afterwards" autoinstall -k $K
	is "$(state wifi 5.8 $K) $(state needs 1.0 $K)" "installed installed" "installs both"
	dkms skip wifi -k $K > /dev/null
	dkms_exits 0 "a module is skipped that is installed" autoinstall -k $K
	is "$out$err" "" "what needs it is satisfied"
	# Upgrades.
	add wifi 5.9
	dkms_exits 0 "autoinstall after an upgrade" autoinstall -k $K
	is "$(state wifi 5.9 $K) $(state wifi 5.8 $K)" "added installed" "the word holds for the new version"
	dkms unskip wifi -k $K > /dev/null
	dkms skip wifi/5.9 -k $K > /dev/null
	dkms uninstall wifi/5.8 -k $K > /dev/null
	dkms_exits 0 "autoinstall with the newest version skipped" autoinstall -k $K
	is "$(state wifi 5.9 $K) $(state wifi 5.8 $K)" "added installed" "takes the one before it"
	dkms remove wifi/5.8 --all > /dev/null
	dkms remove wifi/5.9 --all > /dev/null
	dkms add wifi/5.9 > /dev/null
	dkms_exits 0 "autoinstall after the package was removed and came back" autoinstall -k $K
	is "$(state wifi 5.9 $K)" added "the word has survived"
}

forced_lists()
{
	new_machine
	mount_layers /usr/share 2> /dev/null || { skip "no layers here"; return; }
	mkdir -p /usr/share/dkms/modules_to_force_install
	echo wifi > /usr/share/dkms/modules_to_force_install/test
	dkms skip wifi -k $K > /dev/null
	dkms_exits 77 "a module that the distribution forces" install wifi/5.8 -k $K
	rm /usr/share/dkms/modules_to_force_install/test
}

status()
{
	new_machine
	dkms skip wifi -k $K > /dev/null
	dkms install other/1.0 -k $K > /dev/null
	dkms skip other --all > /dev/null
	run_dkms status
	is "$out" "other/1.0, $K, $arch: installed
wifi/5.8: added" "compat 8: status in a pipe"
	run_dkms status --verbose
	is "$out" "other/1.0, $K, $arch: installed (skipped: dkms unskip other --all)
wifi/5.8: added
wifi/5.8, $K, $arch: added (skipped: dkms unskip wifi -k $K)" "--verbose shows what is skipped"
	run_dkms status --verbose -k $K7 wifi
	is "$out" "wifi/5.8: added" "-k selects the kernel"
	run_dkms status --json
	is "$(jq -c '.modules[] | [.name, .skipped, .skipped_kernels]' <<< "$out" | paste -sd' ')" \
		"[\"other\",true,[]] [\"wifi\",false,[\"$K\"]]" "--json"
}

package()
{
	local postinst

	new_machine
	postinst=$(realpath "$top_srcdir/packaging/common.postinst")
	printf '%s="%s"\n' dkms_tree "$dkmstree" source_tree "$sourcetree" install_tree "$installtree" \
		> "$etc/framework.conf"
	ln -sf "$(realpath "$DKMS")" "$work/bin/dkms"
	dkms skip wifi -k $K7 > /dev/null
	exits 0 "a package whose module is skipped is configured" sh "$postinst" wifi 5.8 "" "$arch" 5.7
	is "$(state wifi 5.8 $K7)" added "and not installed"
	rm "$etc/framework.conf" "$work/bin/dkms"
}

writes
at_once
installs
hooks
forced_lists
status
package
finish
