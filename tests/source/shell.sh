#!/bin/bash
# Checks that every shell script passes shellcheck and has a comment that says what it does.
set -eu
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"

command -v shellcheck >/dev/null || skip_all "shellcheck is not installed"
cd "$top_srcdir"
mapfile -t scripts < <(find . \( -name '.git' -o -path ./build -o -path './build-*' -o -name autom4te.cache \
		-o -name quickstart.d \) -prune -o -type f -size -200k -print |
	xargs grep -lIE -m 1 '^(#! ?/(usr/)?bin/(env )?(ba)?sh|# shellcheck shell=)' |
	grep -vE '^\./(configure|config\.status|libtool)' | sort)
for script in "${scripts[@]}"; do
	ok "${script#./}: shellcheck" shellcheck -S warning -x -P . "$script"
	like "$(sed -n 2p "$script")" '^# .{20}' "${script#./}: a head"
done
finish
