#!/bin/bash
# A build that takes long must not keep the modules that are installed already out of modules.dep:
# depmod runs for them when they have waited for 30 s, and once more at the end. The cases wait
# together.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

K7=4.19.0-7-amd64
depmod=$(command -v depmod) || skip_all "no depmod"
# Notes each call in the machine. The first call for a kernel fails where a file says so.
write_script "$work/bin/depmod" 'for k; do :; done' 'machine=$(realpath "$3/lib/modules")/../..' \
	'echo "$k" >> "$machine/depmods"' '[ ! -e "$machine/fails" ] || { rm "$machine/fails"; exit 1; }' \
	"exec '$depmod' \"\$@\""

add() # NAME [LINE...]
{
	module "$1" 1.0 "${@:2}"
	dkms add "$1/1.0" > /dev/null
}

# Makes a machine with a module that builds at once and one whose MAKE first sleeps.
slow_machine() # SECONDS [LINE...]
{
	machine
	kernel $K
	add fast
	add slow "MAKE=\"sleep $1; make -C \$kernel_source_dir M=\$dkms_tree/slow/1.0/build\"" "${@:2}"
}

# Starts dkms with its output in the machine; $! is its PID.
start() # ARGUMENT...
{
	set -m
	"$DKMS" "$@" "${trees[@]}" < /dev/null > "$machine/out" 2>&1 &
	set +m
}

depmods() # [KERNEL]
{
	[ ! -e "$machine/depmods" ] || grep -c "^${1:-}" "$machine/depmods" || :
}

depmod_knows() # NAME [KERNEL]
{
	grep -q "^$dest/$1.ko:" "$installtree/${2:-$K}/modules.dep"
}

marks()
{
	find "$dkmstree" -maxdepth 1 \( -name '.depmod-*' -o -name '.unfinished-*' \) -printf '%f\n'
}

# Calls the check again and again until it is true, for at most five minutes.
until_true() # CHECK...
{
	local i

	for ((i = 0; i < 1500; i++)); do
		! "$@" || return 0
		sleep 0.2
	done
	return 1
}

go_to() # MACHINE
{
	machine=$1
	dkmstree=$machine/var/lib/dkms
	sourcetree=$machine/usr/src
	installtree=$machine/lib/modules
	trees=(--dkmstree "$dkmstree" --sourcetree "$sourcetree" --installtree "$installtree" --no-cache)
}

# A build that never ends, and another kernel without it.
slow_machine 10000 'BUILD_EXCLUSIVE_KERNEL="^4.19.0-6"'
kernel $K7
start autoinstall -k $K -k $K7 -j 3
endless=$machine endless_pid=$!

# The same, in a process that is killed.
slow_machine 10000
start autoinstall -k $K -j 2
killed=$machine killed_pid=$!

# The slow build has the only slot, and the early depmod fails.
slow_machine 45 'BUILD_DEPENDS[0]="fast"'
touch "$machine/fails"
start autoinstall -k $K -j 1
slow=$machine slow_pid=$!

slow_machine 45
start autoinstall -k $K -j 2 --no-depmod
without=$machine without_pid=$!

go_to "$endless"
ok "a build that never ends: modules.dep has the other module meanwhile" until_true depmod_knows fast
is "$(state fast 1.0 $K) $(state slow 1.0 $K)" "installed added" "the build goes on"
ok "dkms runs" kill -0 $endless_pid
ok "the other kernel does not wait for it" until_true depmod_knows fast $K7
is "$(depmods $K) $(depmods $K7)" "1 1" "depmod has run once for each kernel"
is "$(marks)" ".unfinished-$K" "the mark says that the kernel is not finished"
sleep 5
is "$(depmods)" 2 "it does not run again as long as nothing changes"
kill -s INT $endless_pid
status=0
wait $endless_pid 2> /dev/null || status=$?
is "$status" 130 "SIGINT ends dkms"
is "$(depmods $K) $(depmods $K7)" "2 1" "depmod runs at the end"
ok "modules.dep is right" depmod_knows fast
is "$(state fast 1.0 $K) $(state slow 1.0 $K) $(marks)" "installed added " "and so are the states, without a mark"
check_trees "the trees are consistent"

go_to "$killed"
ok "killed: modules.dep has the other module" until_true depmod_knows fast
kill -KILL $killed_pid
wait $killed_pid 2> /dev/null || true
is "$(marks)" ".unfinished-$K" "killed: the mark stays"
dkms_exits 0 "killed: the next run" install fast/1.0 -k $K
is "$(depmods) $(marks)" "2 " "killed: the next run finishes the kernel"
check_trees "killed: the trees are consistent"

go_to "$slow"
status=0
wait $slow_pid || status=$?
is "$status $(state fast 1.0 $K) $(state slow 1.0 $K)" "0 installed installed" \
	"the early depmod fails: nothing is undone, because the one at the end succeeds"
is "$(depmods) $(marks)" "2 " "depmod has run twice, the first time although no slot was free"
ok "modules.dep has both modules" eval 'depmod_knows fast && depmod_knows slow'
is "$(grep -c depmod "$machine/out" || :)" 0 "nobody is told of the failure"

go_to "$without"
status=0
wait $without_pid || status=$?
is "$status $(state fast 1.0 $K) $(state slow 1.0 $K) $(depmods)" "0 installed installed " \
	"--no-depmod: depmod does not run early either"
is "$(leftover_processes)" "" "no process is left"
finish
