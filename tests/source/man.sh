#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Checks that the manual pages and the help name the same commands and options.
set -u
# shellcheck source=tests/lib/tap.sh
. "${top_srcdir:?}/tests/lib/tap.sh"
page=$top_srcdir/cli/man/dkms.8

same() # DESCRIPTION A B
{
	is "${2:-none}" "$3" "$1"
}

help=$("${DKMS:-dkms}" --help)

same "the help and dkms(8) have the same options" \
	"$(sed -n '/^Options:/,$p' <<<"$help" |
		grep -oE '^ +(-[a-zA-Z], +)?-[-_a-zA-Z]+' | grep -oE -- '-[-_a-zA-Z]+' | sort)" \
	"$(sed -n 's/^\.It Fl /Fl /p' "$page" | grep -oE 'Fl [-_a-zA-Z]+' | sed 's/Fl /-/' | sort)"

same "the help and dkms(8) have the same commands" \
	"$(sed -n '/^Commands:/,/^$/s/^  \([a-z_]*\).*/\1/p' <<<"$help" | grep . | sort)" \
	"$(sed -n '/^\.Sh COMMANDS/,/^\.Sh OPTIONS/s/^\.It Cm \([a-z_]*\).*/\1/p' "$page" | sort)"

same "the synopsis of dkms(8) has each command" \
	"$(sed -n '/^Commands:/,/^$/s/^  \([a-z_]*\).*/\1/p' <<<"$help" | grep . | sort)" \
	"$(sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.Cm //p' "$page" | tr -d '|' | tr -s ' ' '\n' | sort -u)"

same "the help and dkms-cache(8) have the same commands" \
	"$(sed -n '/^Commands:/,/^$/s/^  cache \(.*\)/\1/p' <<<"$help" | sed 's/  .*//' | tr -d '|' | tr -s ' ' '\n' | sort)" \
	"$(sed -n 's/^\.It Cm \([a-z]*\)$/\1/p' "${page%/*}/dkms-cache.8" | sort)"

for page in "${page%/*}"/*; do
	name=${page##*/}
	ok "$name: has examples" grep -q '^\.Sh EXAMPLES' "$page"

	# Missing pages of other packages do not matter.
	if command -v mandoc >/dev/null; then
		found=$(mandoc -Tlint "$page" 2>&1 | grep -vE 'referenced manual not found|outdated mandoc.db')
		is "$found" "" "$name: mandoc finds nothing"
	else
		skip "no mandoc" "$name: mandoc finds nothing"
	fi
	if man --version 2>/dev/null | grep -q '^man [0-9]' && command -v groff >/dev/null; then
		found=$(LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
		is "$found" "" "$name: man --warnings finds nothing"
	else
		skip "no man-db" "$name: man --warnings finds nothing"
	fi
done
finish
