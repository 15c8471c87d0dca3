#!/bin/bash
# Includes point down only: cli > scheduler > builder > cache > base. The check is tried on bad
# samples first, since one that cannot fail says nothing.
set -eu
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"

floors=(base cache builder scheduler cli)

# Prints "FILE:LINE: what is wrong" for the sources below DIR.
complaints() # DIR
{
	local floor

	for floor in "${floors[@]}"; do
		[ ! -d "$1/$floor" ] || (cd "$1" && find "$floor" -name '*.[ch]' | sort)
	done | (cd "$1" && xargs -r awk -v floors="${floors[*]}" '
		BEGIN {
			n = split(floors, names, " ")
			for (i = 1; i <= n; i++)
				level[names[i]] = i
		}
		function complain(what) { print FILENAME ":" FNR ": " what ": " $0 }
		{ own = FILENAME; sub(/\/.*/, "", own) }
		/^[ \t]*#[ \t]*include[ \t]*"/ {
			path = $0
			sub(/^[^"]*"/, "", path)
			sub(/".*/, "", path)
			floor = path
			sub(/\/.*/, "", floor)
			if (path == "config.h")
				next
			if (path ~ /^\.\.?\// || path ~ /\/\.\.?\// || !(floor in level))
				complain("not FOLDER/FILE.h")
			else if (level[floor] > level[own])
				complain("points up")
		}
		# Below the scheduler nothing runs by itself.
		/^[ \t]*#[ \t]*include[ \t]*<uv(\.h|\/)/ && level[own] < level["scheduler"] {
			complain("libuv")
		}
		# The graph is tried with a runner of its own.
		/^[ \t]*#[ \t]*include[ \t]*<uv\.h>/ && FILENAME ~ /\/graph\.[ch]$/ {
			complain("libuv")
		}')
}

# A source with that line is complained about, or not.
sample() # WANTED FILE LINE
{
	local dir=$work/sample

	rm -rf "$dir"
	mkdir -p "${dir}/${2%/*}"
	printf '%s\n' '/* a sample */' '#include "config.h"' "$3" > "$dir/$2"
	is "$(complaints "$dir" | cut -d: -f -3)" "${1:+$2:3: $1}" "$2 with $3: ${1:-allowed}"
}

sample "" base/a.c '#include "base/b.h"'
sample "" builder/a.c '#include "base/b.h"'
sample "" cli/a.c '#include "scheduler/b.h"'
sample "" cache/a.c '#include "base/b.h"'
sample "points up" base/a.c '#include "builder/b.h"'
sample "points up" base/a.h '#include "cache/b.h"'
sample "points up" cache/a.c '#include "builder/b.h"'
sample "points up" builder/a.c '#include "scheduler/b.h"'
sample "points up" builder/deep/a.h '#  include "cli/b.h" /* "base/c.h" */'
sample "points up" scheduler/a.c '	#include "cli/b.h"'
sample "not FOLDER/FILE.h" cli/a.c '#include "b.h"'
sample "not FOLDER/FILE.h" builder/a.c '#include "../cli/b.h"'
sample "not FOLDER/FILE.h" builder/a.c '#include "base/../cli/b.h"'
sample "not FOLDER/FILE.h" builder/a.c '#include "tests/b.h"'
sample "libuv" builder/a.c '#include <uv.h>'
sample "" scheduler/a.c '#include <uv.h>'
sample "libuv" scheduler/graph.c '#include <uv.h>'

is "$(complaints "$top_srcdir")" "" "no source includes what is above it"
like "$(grep -c . <(cd "$top_srcdir" && find "${floors[@]}" -name '*.c' 2>/dev/null))" '^[3-9][0-9]|[0-9]{3}' \
	"there were sources to look at"
finish
