# shellcheck shell=bash disable=SC2154
# Measures building a module again after one of its source files has changed.

module=$(module evdi || module acpi-call)
dir=$work/trees/change
cache=$work/trees/cache-dir
discard "$cache"
changes=0

# Makes another change on each call.
change() # DIRECTORY
{
	local file

	file=$(find "$1" -name '*.c' | sort | head -n 1)
	changes=$((changes + 1))
	echo "static const char changed[] __attribute__((used)) = \"change $changes\";" >> "$file"
}

run_change() # PROGRAM
{
	case $1 in
	ours|trixie)
		add_modules "$1" "$dir" "$kernel" "$module"
		change "$dir/src/${module/\//-}"
		# shellcheck disable=SC2046
		set -- "$1" "${program[$1]}" build "$module" -k "$kernel" $(on "$dir")
		;;
	esac
	case $1 in
	ours) take "$@" --cache-dir "$cache" ;;
	trixie) take "$@" -j "$cores" --kernelsourcedir "$(headers "$kernel")" \
		--config "$work/config/$kernel" ;;
	ccache) make_with_ccache "$module" change ;;
	first)
		add_modules ours "$dir" "$kernel" "$module"
		# shellcheck disable=SC2046
		take first "${program[ours]}" build "$module" -k "$kernel" --cache-dir "$cache" $(on "$dir")
		;;
	esac
}

row change "${module%/*}, one source file changed"
unrecorded make_with_ccache "$module"
run_change first
turns=$(pick 3 1 1)
compare run_change "ours=$turns ccache=$turns trixie=$turns"
end_row
