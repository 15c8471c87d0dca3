#!/bin/bash
# The files of the cache: whatever is done to one of them, builds are right, the file is named, and
# the next run finds it repaired. Then dkms cache why for many builds, and the JSON of dkms cache.
set -eu
# shellcheck source=tests/lib/cached-machine.sh
. "${top_srcdir:?}/tests/lib/cached-machine.sh"

# Prints the path of the first file of a kind.
file_of() # KIND
{
	case $1 in
	entry) grep -l '^title m/' -r "$cache/v1/entries" ;;
	object) sed -n 's/^file \([0-9a-f]*\) .*module.m.ko$/\1/p' "$(file_of entry)" |
		sed "s,^..,$cache/v1/objects/&/," ;;
	detail) sed -n 's/^part \([0-9a-f]*\) source$/\1/p' "$(file_of entry)" |
		sed "s,^..,$cache/v1/objects/&/," ;;
	listing) find "$cache/v1/trees" -type f ! -name files ! -size -3k ;;
	digests) echo "$cache/v1/files" ;;
	digests-of-headers) echo "$cache/v1/trees/files" ;;
	counters) echo "$cache/v1/counters" ;;
	esac | sort | head -n 1
}

# Damages a file.
spoil() # FILE HOW
{
	local size

	size=$(stat -c %s "$1")
	case $2 in
	flip-*) python3 - "$1" "${2#flip-}" <<-'END'
		import os, sys
		path, at = sys.argv[1], sys.argv[2]
		data = bytearray(open(path, "rb").read())
		data[int(len(data) * int(at) / 100) if at != "100" else -1] ^= 4
		os.chmod(path, 0o644)
		open(path, "wb").write(data)
		END
		;;
	cut-*) truncate -s "$((size * ${2#cut-} / 100))" "$1" ;;
	directory) rm "$1"; mkdir "$1" ;;
	esac
}

# Restores the cache as it was after its first builds.
restore_cache() { rm -rf "$cache"; cp -a "$work/good" "$cache"; }

# Checks what a build says after damage to a file of a kind, and that its result is right.
build_after() # KIND HOW FILE
{
	dkms unbuild m/1.0 -k $K > /dev/null 2>&1
	run_dkms build m/1.0 -k $K
	is "$status" 0 "$1, $2: a build succeeds"
	ok "$1, $2: it is right" cmp -s "$work/right.ko" "$dkmstree/m/1.0/$K/$arch/module/m.ko"
	is "$(grep -v "^dkms: warning: cache: $3 was damaged and has been removed" "$work/err")" "" \
		"$1, $2: it says nothing else"
	dkms unbuild m/1.0 -k $K > /dev/null 2>&1
	run_dkms build m/1.0 -k $K
	is "$status $out$(cat "$work/err")" "0 dkms: m/1.0 for $K: built from the cache" "$1, $2: the next build is a hit"
}

damage()
{
	local kind how file

	for kind in entry object detail listing digests digests-of-headers counters; do
		for how in flip-0 flip-3 flip-55 flip-100 cut-0 cut-60 directory; do
			restore_cache
			file=$(file_of $kind)
			spoil "$file" $how
			run_dkms cache verify
			is "$status $(grep -c "^dkms: warning: $file " "$work/err")" "1 1" "$kind, $how: cache verify names it"
			run_dkms cache verify
			is "$status$(cat "$work/err")" 0 "$kind, $how: cache verify has repaired it"
			restore_cache
			spoil "$file" $how
			run_dkms cache why m/1.0 -k $K
			like "$status $out" "^0 m/1.0 for $K: (in the cache|not in the cache)" "$kind, $how: cache why answers"
			restore_cache
			spoil "$file" $how
			build_after "$kind" $how "$file"
		done
	done
	restore_cache
	for file in entries/ab/cdef objects/0 objects/00/zz; do
		mkdir -p "$(dirname "$cache/v1/$file")"
		echo stray > "$cache/v1/$file"
	done
	run_dkms cache verify
	is "$status $(grep -c 'does not belong to the cache and has been removed$' "$work/err")" "1 3" \
		"cache verify names files that do not belong to the cache"
	dkms_exits 0 "cache verify has removed them" cache verify
	echo words > "$cache/v1/history"
	run_dkms cache verify
	is "$status $(cat "$work/err")" "1 dkms: warning: $cache/v1/history was damaged and has been removed" \
		"cache verify names the history"
}

# Prints the value of an expression about the document that the last command printed, as doc.
doc() # EXPRESSION
{
	python3 -c "import json, sys; doc = json.load(sys.stdin); print(($1))" <<< "$out"
}

json()
{
	local part

	restore_cache
	for part in stats verify gc clear; do
		run_dkms cache $part --json
		is "$status $(doc 'doc["schema"], doc["command"], doc["status"], doc["error"], doc["dir"]')" \
			"0 ('dkms-cache-1', '$part', 0, None, '$cache')" "cache $part --json"
		case $part in
		stats) is "$(doc 'doc["modules"]["entries"], doc["modules"]["misses"], doc["modules"]["stored"], doc["ccache"]')" \
			"(2, 2, 2, None)" "stats: the numbers" ;;
		verify) is "$(doc 'doc["damaged"], doc["entries"] > 1, doc["objects"] > 1, doc["others"]')" \
			"([], True, True, 6)" "verify: the numbers" ;;
		gc) is "$(doc 'doc["removed"], doc["freed_bytes"], doc["entries"] > 1')" "(0, 0, True)" "gc: the numbers" ;;
		clear) is "$(doc 'doc["removed"] > 1, doc["freed_bytes"] > 1000, doc["entries"], doc["bytes"]')" \
			"(True, True, 0, 0)" "clear: the numbers" ;;
		esac
	done
	restore_cache
	spoil "$(file_of object)" flip-20
	run_dkms cache verify --json
	is "$status $(doc 'doc["status"], [d["problem"] for d in doc["damaged"]]')" \
		"1 (1, ['was damaged and has been removed', '(m/1.0 $K $arch) lacks an object and has been removed'])" \
		"verify --json: damage"
	run_dkms cache nonsense --json
	is "$status $(doc 'doc["status"], "not" in doc["error"]')" "2 (2, True)" "an unknown part, in JSON"
	rm -rf "$cache"
	run_dkms cache --json
	is "$status $(doc 'doc["command"], doc["status"]')" "0 ('stats', 0)" "without a cache"
}

why_many()
{
	restore_cache
	echo '// changed' >> "$sourcetree/m-1.0/m.c"
	module odd 2.0 'BUILD_EXCLUSIVE_KERNEL="^nothing"'
	dkms add odd/2.0 > /dev/null
	run_dkms cache why --all
	is "$status $(sed 's/, built on .*//; s/; [0-9]* of [0-9]* objects.*//' <<< "$out")" "0 m/1.0 for $K: not in the cache: source of m/1.0 $K $arch differs
m/1.0 for $K7: not in the cache: kernel, source, conf, environment of m/1.0 $K $arch differ
odd/2.0 for $K: excluded: needs a kernel that matches \"^nothing\"
odd/2.0 for $K7: excluded: needs a kernel that matches \"^nothing\"
other/1.0 for $K: in the cache
other/1.0 for $K7: not in the cache: kernel, conf, environment of other/1.0 $K $arch differ
1 of 6 builds is in the cache" "cache why --all: a line for each module and kernel"
	run_dkms cache why m -k $K -k $K7
	is "$status $(grep -c '^m/1.0 for .*: not in the cache: ' <<< "$out") ${out##*$'\n'}" \
		"0 2 0 of 2 builds are in the cache" "cache why: a name without a version, and two kernels"
	run_dkms cache why --all --json
	is "$status $(doc '[(b["module"], b["kernel"], b["cache"]) for b in doc["builds"]]')" \
		"0 [('m', '$K', 'miss'), ('m', '$K7', 'miss'), ('odd', '$K', 'excluded'), ('odd', '$K7', 'excluded'), ('other', '$K', 'hit'), ('other', '$K7', 'miss')]" \
		"cache why --all --json"
	is "$(doc '[(c["part"], c["name"], len(c["was"]), len(c["now"]), c["package"], c["more"]) for c in doc["builds"][0]["changes"]], doc["builds"][4]["made"] > 0')" \
		"([('source', 'm.c', 64, 64, None, 0)], True)" "its reasons"
	run_dkms cache why m/1.0 -k $K
	like "$out" '^  source: m.c differs \([0-9a-f]{12} -> [0-9a-f]{12}\)$' "cache why: the digests"
	if [ -n "$private" ] && [ -d "$work/dpkg" ]; then
		dkms build m/1.0 -k $K --force > /dev/null
		mkdir "$work/dpkg/info"
		realpath /usr/bin/make > "$work/dpkg/info/make.list"
		cp "$(realpath /usr/bin/make)" "$work/make"
		printf '\n' >> "$work/make"
		mount --bind "$work/make" "$(realpath /usr/bin/make)"
		run_dkms cache why m/1.0 -k $K
		umount "$(realpath /usr/bin/make)"
		like "$out" "^  file: /usr/bin/make differs \\([0-9a-f]{12} -> [0-9a-f]{12}, of make [^ ]+ [^ ]+\\)\$" \
			"cache why: the package of a tool"
		dkms unbuild m/1.0 -k $K > /dev/null
	else
		skip "no mount namespace or no dpkg" "the package of a tool"
	fi
	run_dkms cache why m/1.0 -k none --json
	is "$status $(doc 'doc["status"], doc["builds"][0]["cache"], "none" in doc["builds"][0]["reason"]')" \
		"21 (21, 'failed', True)" "cache why --json for a kernel without headers"
	dkms_exits 3 "cache why with an unknown module" cache why unknown
	sed -i '$d' "$sourcetree/m-1.0/m.c"
}

cached_machine
new_module
module other 1.0
dkms add m/1.0 > /dev/null
dkms add other/1.0 > /dev/null
# Listings are saved only of files that were not changed just before.
sleep 2.2
dkms build m/1.0 -k $K > /dev/null
dkms build other/1.0 -k $K > /dev/null
cp "$dkmstree/m/1.0/$K/$arch/module/m.ko" "$work/right.ko"
cp -a "$cache" "$work/good"
for kind in entry object detail listing digests digests-of-headers counters; do
	ok "there is a file to damage: $kind" test -n "$(file_of $kind)"
done
damage
json
why_many
finish
