# shellcheck shell=bash disable=SC2034,SC2154
# Writes the results to $out: results.json, results.md and plots; and copies them into the project.

# Sets $commit to the commit of the source that is measured.
read_commit()
{
	commit=$(git -C "$top" describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null) ||
		commit=unknown
}

# Writes the description of the machine and of the programs.
write_header()
{
	mkdir -p "$out/profiles"
	read_commit
	jq -n --arg date "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
		--arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
		--argjson cores "$cores" --arg arch "$machine" --arg kernel "$(uname -r)" \
		--argjson memory "$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) * 1024))" \
		--arg system "$(. /etc/os-release && echo "$PRETTY_NAME")" \
		--arg files "$(df --output=fstype "$work" | tail -n 1)" \
		--arg kernels "${kernels[*]}" --arg modules "${modules[*]} $dahdi" \
		--arg ours "${version[ours]}" --arg trixie "${version[trixie]}" \
		--arg bookworm "${version[bookworm]}" \
		--arg make "$(make --version | sed -n 's/^GNU Make //p')" \
		--arg gcc "$(gcc -dumpfullversion)" \
		--arg ccache "$(ccache --version | sed -n 's/^ccache version //p')" \
		--arg bubblewrap "$(bwrap --version | sed 's/.* //')" '{
		schema: "dkms-bench-1", $date,
		machine: {$cpu, $cores, memory_bytes: $memory, $arch, $system, $kernel, file_system: $files},
		kernels: ($kernels | split(" ")),
		modules: ($modules | split(" ") | map(select(. != ""))),
		versions: {$ours, $trixie, $bookworm, $make, $gcc, $ccache, $bubblewrap}}' > "$out/header.json"
}

# Collects all rows, including those of earlier runs.
write_results()
{
	local rows=("$out"/rows/*.json)

	[ -e "${rows[0]}" ] || return 0
	jq -s '.[0] + {rows: .[1:]}' "$out/header.json" "${rows[@]}" > "$out/results.json.new"
	mv "$out/results.json.new" "$out/results.json"
}

make_table()
{
	jq -r -f "$top/bench/lib/table.jq" "$out/results.json"
}

make_plots()
{
	"$top/bench/lib/plots" "$out" || say "cannot draw the plots"
}

# Puts the tables and plots between two comments of README.md, and replaces bench/results.
write_readme()
{
	local plot

	rm -rf "$top/bench/results"
	mkdir "$top/bench/results"
	cp "$out/results.json" "$top/bench/results/"
	cp "$out/results.md" "$out/section.md"
	for plot in bars growth timeline; do
		[ -e "$out/$plot.svg" ] || continue
		cp "$out/$plot.svg" "$top/bench/results/"
		printf '\n![%s](bench/results/%s.svg)\n' "$plot" "$plot" >> "$out/section.md"
	done
	grep -q '^<!-- bench/run begin' "$top/README.md" || die "README.md has no comment that marks the place of the results"
	awk -v table="$out/section.md" '
		/^<!-- bench\/run begin/ { print; while ((getline line < table) > 0) print line; skip = 1 }
		/^<!-- bench\/run end/ { skip = 0 }
		!skip' "$top/README.md" > "$out/README.md"
	cat "$out/README.md" > "$top/README.md"
	say "README.md and bench/results now have these results"
}
