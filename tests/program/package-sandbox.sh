#!/bin/bash
# The sandbox of one package: what the administrator's file for it says of how its builds are confined.
# The package itself has no say.
set -eu
# shellcheck source=tests/lib/fixture.sh
. "${top_srcdir:?}/tests/lib/fixture.sh"

private_etc || skip_all "needs a mount namespace"
command -v bwrap > /dev/null || skip_all "bubblewrap is not installed"

# The project may be in a directory that is hidden, such as a home directory.
cp "$DKMS" "$work/bin/dkms"
DKMS=$work/bin/dkms
hidden=/mnt/hidden

# Makes a machine with the packages special and plain, whose builds say what they see.
described() # LINE of special's dkms.conf...
{
	local name

	rm -rf "${etc:?}"/*
	machine
	kernel $K
	for name in special plain; do
		module $name 1.0 PRE_BUILD=see.sh
		write_script "$sourcetree/$name-1.0/see.sh" \
			'echo "user=$(id -u)"' \
			'echo "net=$(readlink /proc/self/ns/net)"' \
			"echo \"sees=\$(cat $hidden/file 2>/dev/null)\"" \
			"touch $hidden/open/written 2>/dev/null && echo wrote=yes || echo wrote=no" \
			"[ -e $hidden/open/secret ] && echo secret=yes || echo secret=no" \
			'exit 0'
	done
	[ $# -eq 0 ] || printf '%s\n' "$@" >> "$sourcetree/special-1.0/dkms.conf"
	rm -f "$hidden/open/written"
	for name in special plain; do
		dkms add $name/1.0 > /dev/null
	done
}

# Prints what a package's build has said.
told() # NAME KEY
{
	sed -n "s/^$2=//p" "$dkmstree/$1/1.0/$K/$arch/log/make.log"
}

builds() # DESCRIPTION ARGUMENT...
{
	local description=$1

	shift
	dkms_exits 0 "$description" autoinstall -k $K "$@"
}

unbuild()
{
	dkms unbuild special/1.0 -k $K > /dev/null
	dkms unbuild plain/1.0 -k $K > /dev/null
}

confined()
{
	if [ "$(told "$1" net)" = "$(readlink /proc/self/ns/net)" ]; then echo no; else echo yes; fi
}

mkdir -p /mnt
mount_empty /mnt
mkdir -p "$hidden"
echo content > "$hidden/file"
mkdir "$hidden/open" "$hidden/closed"
chmod 1777 "$hidden/open"

described
builds "without a file"
is "$(confined special) $(told special sees) $(told special wrote)" "yes  no" "a build is confined"
user=$(told special user)

described
echo sandbox=off > "$etc/special.conf"
builds "sandbox=off"
is "$(confined special) $(told special sees) $(told special user)" "no content 0" "its build is not confined"
is "$(confined plain) $(told plain sees)" "yes " "another one is"
unbuild
builds "sandbox=off, and --sandbox=require" --sandbox=require
is "$(confined special)" yes "the option is stronger"

described
echo sandbox=off > "$etc/framework.conf"
echo sandbox=auto > "$etc/special.conf"
builds "sandbox=off in framework.conf, and sandbox=auto"
is "$(confined special) $(confined plain)" "yes no" "only that package is confined"
unbuild
echo sandbox=require > "$etc/special.conf"
builds "sandbox=require"
is "$(confined special) $(confined plain)" "yes no" "so it is"
unbuild
dkms_exits 1 "sandbox=require, and --sandbox=off" build special/1.0 -k $K --sandbox=off
like "$err" "sandbox=require in /etc/dkms asks for one" "is an error"

described
echo 'sandbox_network=yes' > "$etc/special.conf"
builds "sandbox_network=yes"
is "$(confined special) $(confined plain)" "no yes" "its build has a network"
is "$(told special sees)" "" "and is confined otherwise"
described
echo 'sandbox_network="special plain"' > "$etc/framework.conf"
echo 'sandbox_network=no' > "$etc/special.conf"
builds "sandbox_network=no"
is "$(confined special) $(confined plain)" "yes no" "it is stronger than framework.conf"

described
echo "sandbox_paths=$hidden/file" > "$etc/special.conf"
builds "sandbox_paths"
is "$(told special sees) $(told plain sees)" "content " "its build sees the path"
described
echo "sandbox_paths=$hidden/file" > "$etc/framework.conf"
echo "sandbox_paths=$hidden/open" > "$etc/special.conf"
touch "$hidden/open/secret"
builds "sandbox_paths in both files"
is "$(told special sees) $(told special secret) $(told plain sees) $(told plain secret)" "content yes content no" \
	"both count"
is "$(told special wrote)" no "it cannot write there"

described
echo "sandbox_write=\"$hidden/open\"" > "$etc/special.conf"
builds "sandbox_write"
is "$(told special wrote) $(told plain wrote)" "yes no" "its build can write there"
is "$(told special sees)" "" "what is beside that stays hidden"
if [ "$user" != 0 ]; then
	chmod 0777 "$hidden/open"
	cp "$sourcetree/special-1.0/see.sh" "$work/kept.sh"
	write_script "$sourcetree/special-1.0/see.sh" "set -e; rm -f $hidden/open/written; echo > $hidden/open/written"
	dkms_exits 0 "another build replaces what the first has left" build special/1.0 -k $K --force
	write_script "$sourcetree/special-1.0/see.sh" "echo >> $hidden/open/written"
	dkms_exits 2 "and cannot change it" build special/1.0 -k $K --force
	like "$err" "what a build leaves in sandbox_write belongs to its user.* if the directory has mode 0777" "the advice says why"
	mv "$work/kept.sh" "$sourcetree/special-1.0/see.sh"
	chmod 1777 "$hidden/open"
	rm -f "$hidden/open/written"
fi
unbuild
trees=("${trees[@]/--no-cache/--cache-dir=$work/cache}")
dkms build special/1.0 -k $K > /dev/null
dkms unbuild special/1.0 -k $K > /dev/null
dkms_exits 0 "sandbox_write, with a cache" build special/1.0 -k $K
is "$(grep -c 'from the cache' <<<"$out")" 0 "the build is not from the cache"
dkms unbuild special/1.0 -k $K > /dev/null
echo "sandbox_write=$hidden/closed" > "$etc/special.conf"
if [ "$user" != 0 ]; then
	dkms_exits 1 "sandbox_write of a directory that only root can write to" build special/1.0 -k $K
	like "$err" "chmod 1777 $hidden/closed" "is an error with a remedy"
	for path in /etc /usr/lib/ /boot/../etc/dkms //srv $hidden/file; do
		echo "sandbox_write=$path" > "$etc/special.conf"
		dkms_exits 1 "sandbox_write=$path" build special/1.0 -k $K
		like "$err" "name a directory that is there for this package alone" "is an error"
		is "$(grep -cE "chmod .* ?/" "$work/err")" 0 "that does not open what belongs to the system"
	done
	chmod 0777 "$hidden/open"
	for path in "$hidden/open/" "$hidden//closed/../open"; do
		echo "sandbox_write=$path" > "$etc/special.conf"
		rm -f "$hidden/open/written"
		dkms_exits 0 "sandbox_write=$path" build special/1.0 -k $K --force
		is "$(told special wrote)" yes "can be written to"
	done
	chmod 1777 "$hidden/open"
	dkms unbuild special/1.0 -k $K > /dev/null
else
	skip "builds have no users of their own" "sandbox_write of a directory of root"
	skip "builds have no users of their own" "its remedy, and other paths"
fi
echo "sandbox_write=$hidden/missing" > "$etc/special.conf"
dkms_exits 1 "sandbox_write of a directory that is missing" build special/1.0 -k $K
like "$err" "sandbox_write has $hidden/missing" "is an error"

for line in 'sandbox=maybe' 'sandbox_network=special' 'sandbox_paths=relative' 'sandbox_write=/' 'sandbox_write=//' \
	'sandbox_write=/srv/..' 'sandbox_paths=/../etc'
do
	echo "$line" > "$etc/special.conf"
	dkms_exits 8 "$line" build special/1.0 -k $K
	like "$err" "/etc/dkms/special.conf: ${line%%=*} (is|has) \"${line#*=}\"" "is an error"
done

described sandbox=off sandbox_network=yes "sandbox_paths=$hidden/file" "sandbox_write=$hidden/open" \
	'export sandbox sandbox_network' 'declare -r sandbox sandbox_paths sandbox_write'
echo '# nothing about the sandbox here' > "$etc/special.conf"
builds "a package that sets all this itself"
is "$(confined special) $(told special sees) $(told special wrote)" "yes  no" "is confined"
sandbox=off sandbox_network=yes builds "the same in the environment" --force
is "$(confined special)" yes "does not count either"

# Where only this package must have a sandbox, no command evaluates its dkms.conf without one.
evaluates() # STATUS DESCRIPTION ARGUMENT...
{
	rm -f "$hidden/closed/root"
	dkms_exits "$@"
	is "$(ls "$hidden/closed")" "" "its dkms.conf is not evaluated as root"
}

described "touch $hidden/closed/root 2>/dev/null || :"
echo sandbox=off > "$etc/framework.conf"
dkms_exits 0 "sandbox=off in framework.conf" build special/1.0 -k $K
is "$(ls "$hidden/closed")" root "its dkms.conf is evaluated as root"
echo sandbox=require > "$etc/special.conf"
evaluates 0 "with sandbox=require: remove" remove special/1.0 --all
evaluates 0 "add" add special/1.0
evaluates 0 "build" build special/1.0 -k $K
evaluates 0 "sign" sign special/1.0 -k $K
evaluates 0 "mktarball" mktarball special/1.0 -k $K --archive "$work/special.tgz"
for args in "sign special/1.0 -k $K" "mktarball special/1.0 -k $K --archive $work/other.tgz" \
	"build special/1.0 -k $K --force"
do
	# shellcheck disable=SC2086
	evaluates 1 "--sandbox=off: ${args%% *}" $args --sandbox=off
	like "$err" "there is no sandbox, and sandbox=require in /etc/dkms asks for one" "is an error"
done
evaluates 0 "--sandbox=off: remove" remove special/1.0 --all --sandbox=off
like "$err" "its dkms.conf is not evaluated, .* there is no sandbox" "is done without the dkms.conf"
evaluates 1 "--sandbox=off: add" add special/1.0 --sandbox=off
like "$err" "there is no sandbox, and sandbox=require in /etc/dkms asks for one" "is an error"
mkdir "$work/directory"
mv "$sourcetree/special-1.0" "$work/directory/special"
evaluates 0 "an archive" ldtarball --archive "$work/special.tgz"
for line in 'sandbox=maybe' 'sandbox=require; exit 1'; do
	echo "$line" > "$etc/special.conf"
	evaluates 0 "sign, with $line" sign special/1.0 -k $K
	evaluates 8 "build, with $line" build special/1.0 -k $K --force
done
evaluates 0 "remove, with $line" remove special/1.0 --all
echo sandbox=require > "$etc/special.conf"
rm -r "$sourcetree/special-1.0"
evaluates 0 "a directory" build "$work/directory/special" -k $K
dkms remove special/1.0 --all > /dev/null
rm -r "$sourcetree/special-1.0"
evaluates 0 "a directory that is added" add "$work/directory/special"
dkms remove special/1.0 --all > /dev/null
rm -r "$sourcetree/special-1.0"
evaluates 1 "a directory, with --sandbox=off" build "$work/directory/special" -k $K --sandbox=off
like "$err" "there is no sandbox, and sandbox=require in /etc/dkms asks for one" "is an error"
dkms remove special/1.0 --all > /dev/null 2>&1
rm -rf "$sourcetree/special-1.0"
evaluates 0 "an archive, with --sandbox=off" build --archive "$work/special.tgz" -k $K --sandbox=off
dkms remove special/1.0 --all > /dev/null 2>&1
rm -rf "$sourcetree/special-1.0"
rm "$etc/special.conf"
dkms_exits 0 "a directory, with --sandbox=off and no file for any package" build "$work/directory/special" -k $K --sandbox=off
is "$(ls "$hidden/closed")" root "is evaluated as root"
rm "$hidden/closed/root"

# NAME-VERSION.conf is the NAME.conf of another package, too: it permits nothing to a version.
# Makes a package mod/VERSION whose build says what it sees.
versioned() # NAME VERSION
{
	module "$1" "$2" PRE_BUILD=see.sh
	cp "$work/see.sh" "$sourcetree/$1-$2/see.sh"
	dkms add "$1/$2" > /dev/null
}
write_script "$work/see.sh" 'echo "net=$(readlink /proc/self/ns/net)"' \
	"echo \"sees=\$(cat $hidden/file 2>/dev/null)\"" \
	"touch $hidden/open/written 2>/dev/null && echo wrote=yes || echo wrote=no"
for line in sandbox=off sandbox_network=yes "sandbox_paths=$hidden/file" "sandbox_write=$hidden/open"; do
	for file in mod-x "mod-x-$K" "mod-x-$K-$arch" "mod--$K" "mod--$K-$arch"; do
		rm -f "${etc:?}"/* "$hidden/open/written"
		machine
		kernel $K
		versioned mod x
		echo "$line" > "$etc/$file.conf"
		dkms_exits 0 "mod/x with $line in $file.conf" build mod/x -k $K
		log=$dkmstree/mod/x/$K/$arch/log/make.log
		is "$(grep -c "$(readlink /proc/self/ns/net)" "$log") $(sed -n 's/^sees=//p; s/^wrote=//p' "$log" | xargs)" \
			"0 no" "$file.conf permits nothing"
		like "$err" "permits with ${line%%=*} does not count.*/etc/dkms/mod.conf, if \[ .*module_version.* = x \]" \
			"a warning says so, and where to set it"
		echo "[ \"\$module_version\" = x ] && $line" > "$etc/mod.conf"
		rm "$etc/$file.conf"
		dkms_exits 0 "the remedy" build mod/x -k $K --force
		is "$(grep -c "does not count" <<< "$err")" 0 "has no warning"
		echo "$line" >> "$etc/$file.conf"
		dkms_exits 0 "in both" build mod/x -k $K --force
		is "$(grep -c "does not count" <<< "$err")" 0 "has none either"
	done
done
# The package that has the name gets it.
rm -f "${etc:?}"/*
machine
kernel $K
versioned mod-x 1.0
echo "sandbox_paths=$hidden/file" > "$etc/mod-x.conf"
dkms_exits 0 "mod-x/1.0" build mod-x/1.0 -k $K
is "$(sed -n 's/^sees=//p' "$dkmstree/mod-x/1.0/$K/$arch/log/make.log")" content "mod-x.conf permits it to mod-x"
# What takes away counts everywhere.
versioned mod x
printf '%s\n' "sandbox_network=yes" > "$etc/mod.conf"
echo sandbox_network=no > "$etc/mod-x.conf"
dkms_exits 0 "sandbox_network=no in mod-x.conf" build mod/x -k $K
is "$(grep -c "$(readlink /proc/self/ns/net)" "$dkmstree/mod/x/$K/$arch/log/make.log")" 0 "counts for mod/x"
echo sandbox=off > "$etc/mod.conf"
echo sandbox=require > "$etc/mod-x.conf"
dkms_exits 0 "sandbox=require in mod-x.conf" build mod/x -k $K --force
is "$(grep -c "$(readlink /proc/self/ns/net)" "$dkmstree/mod/x/$K/$arch/log/make.log")" 0 "counts for mod/x"
# Directives are read from all files, as ever.
echo 'MAKE="echo from mod-x; make -C \$kernel_source_dir M=\$dkms_tree/mod/x/build"' > "$etc/mod-x.conf"
dkms_exits 0 "MAKE in mod-x.conf" build mod/x -k $K --force
like "$(cat "$dkmstree/mod/x/$K/$arch/log/make.log")" "^from mod-x" "is used"
finish
