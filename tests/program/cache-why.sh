#!/bin/bash
# Why is a build not in the cache, although its key is the same? Something that its build has looked at
# has changed: dkms cache why and --explain say what.
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"

[ -n "$private" ] || skip_all "needs a mount namespace"
command -v jq > /dev/null || skip_all "jq is not installed"

# Prints what dkms cache why says, without what it says of objects.
lines() { dkms cache why m/1.0 -k $K | sed -n 's/^  //p' | grep -v '^objects: '; }

# Checks what is said of a change.
says() # DESCRIPTION LINES SHORT
{
	is "$(dkms cache why m/1.0 -k $K | head -n 1)" \
		"m/1.0 for $K: not in the cache; the nearest entry, m/1.0 $K $arch, differs:" "$1: the first line"
	is "$(lines)" "$2" "$1"
	like "$(dkms build m/1.0 -k $K --dry-run --explain 2>&1)" \
		"; not in the cache: since m/1\.0 $K $arch was built: $3[;)]" "$1: --explain"
	is "$(dkms cache why m/1.0 -k $K -k $K7 | head -n 1 | sed 's/; [0-9]* of .*//')" \
		"m/1.0 for $K: not in the cache: since m/1.0 $K $arch was built: $3" "$1: in one line"
}

is_hit() { like "$(dkms cache why m/1.0 -k $K)" "^m/1.0 for $K: in the cache" "$1 is as it was"; }

short() { sha256sum "$1" | cut -c 1-12; }

export -n DKMS # builds would see it change
cached_machine
new_module
mkdir /opt/first /opt/data
PATH=/opt/first:$PATH
write_script $tools/tool-1 'echo one'
cp $tools/tool-1 $tools/tool-2
ln -s tool-1 $tools/tool
echo one > /opt/data/file
cat >> "$sourcetree/m-1.0/pre.sh" <<'END'
tool > /dev/null
ls /opt/data > /dev/null
cat /opt/data/file /proc/cpuinfo > /dev/null
[ ! -e /opt/flag ] || echo '// flag' >> m.c
END
sleep 0.1 # what has changed at the moment when a build begins is in doubt
run_dkms build m/1.0 -k $K --verbose
grep -q 'cannot be recorded' "$work/err" && skip_all "builds cannot be traced here"
is "$status $out" "0 dkms: m/1.0: added"$'\n'"${out#*$'\n'}" "a build"
dkms unbuild m/1.0 -k $K > /dev/null
is_hit "everything"

# Runs dkms where builds cannot be traced. It can use results of builds that were.
write_script "$work/untraced" "exec setpriv --inh-caps=-all --bounding-set=-sys_admin $DKMS \"\$@\""
traced=$DKMS
DKMS=$work/untraced
is_hit "everything, where builds are not traced,"
DKMS=$traced

was=$(short /opt/data/file)
echo two > /opt/data/file
says "a file" "file: /opt/data/file differs ($was -> $(short /opt/data/file))" "/opt/data/file differs"
DKMS=$work/untraced
says "a file, where builds are not traced" "file: /opt/data/file differs ($was -> $(short /opt/data/file))" "/opt/data/file differs"
DKMS=$traced
rm /opt/data/file
says "a file that is gone" "dir: /opt/data has other files in it
file: /opt/data/file is gone" "/opt/data has other files in it and 1 more"
echo one > /opt/data/file
is_hit "the file"

touch /opt/data/other
says "a directory" "dir: /opt/data has other files in it" "/opt/data has other files in it"
rm /opt/data/other

ln -sfn tool-2 $tools/tool
says "a link" "link: $tools/tool led to tool-1, leads to tool-2" "$tools/tool led to tool-1, leads to tool-2"
rm $tools/tool
cp $tools/tool-1 $tools/tool
says "a link that is a file now" "link: $tools/tool led to tool-1, is no link any more" \
	"$tools/tool led to tool-1, is no link any more"
rm $tools/tool
says "a program that is gone" "link: $tools/tool led to tool-1, is no link any more
program: tool was $tools/tool, is not installed" "$tools/tool led to tool-1, is no link any more and 1 more"
ln -s tool-1 $tools/tool
is_hit "the link"

cp $tools/tool-2 /opt/first/tool
says "a program" "program: tool was $tools/tool, is /opt/first/tool" "tool was $tools/tool, is /opt/first/tool"
rm /opt/first/tool

touch /opt/flag
says "a path that a script asks for" "exists: /opt/flag is new" "/opt/flag is new"
rm /opt/flag

sed 's/^\(flags\|Features\|isa\|cpu\t\)/&x/' /proc/cpuinfo > "$work/cpuinfo"
mount --bind "$work/cpuinfo" /proc/cpuinfo
says "the processor" "fact: the processor is another one" "the processor is another one"
umount /proc/cpuinfo
is_hit "all of it"

# Several of a kind.
for n in 1 2 3 4 5; do
	echo $n > /opt/data/$n
	echo "cat /opt/data/$n > /dev/null" >> "$sourcetree/m-1.0/pre.sh"
done
sleep 0.1
dkms build m/1.0 -k $K > /dev/null
for n in 1 2 3 4 5; do
	echo more > /opt/data/$n
done
is "$(lines | sed 's/ (.*//')" "file: /opt/data/1 differs
file: /opt/data/2 differs
file: /opt/data/3 differs
file: and 2 more" "three of a kind are named"
run_dkms cache why m/1.0 -k $K --json
is "$(jq -r '.builds[0].changes[] | [.part, .name, (.was | length), (.now | length), .more] | join(" ")' <<< "$out")" \
	"$(printf 'file /opt/data/%s 64 64 0\n' 1 2 3 4 5)" "all of them in JSON"
finish
