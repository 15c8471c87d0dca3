# shellcheck shell=bash disable=SC2154
# Measures the store alone with a growing number of objects: put, get, verify. ccache gets as many
# small objects out of its own store, with a process for each, since it has no other way.

dir=$work/trees/store
mkdir -p "$dir"

run_put() # PROGRAM
{
	case $1 in
	ours)
		discard "$dir/store"
		take ours "$build/bench/store" put "$dir/store" "$n"
		;;
	copy)
		discard "$dir/copy"
		take copy cp -R "$dir/store" "$dir/copy"
		;;
	esac
}

run_get() # PROGRAM
{
	discard "$dir/to"
	mkdir "$dir/to"
	case $1 in
	ours) take ours "$build/bench/store" get "$dir/store" "$n" "$dir/to" ;;
	copy) take copy cp -R "$dir/store" "$dir/to" ;;
	ccache) take_ccache ;;
	esac
}

run_verify() # PROGRAM
{
	case $1 in
	ours) take ours "$build/bench/store" verify "$dir/store" "$n" ;;
	sha256sum) take sha256sum find "$dir/store" -type f -exec sha256sum {} + ;;
	esac
}

# Compiles N small files with ccache.
take_ccache()
{
	# shellcheck disable=SC2016 # the inner shell expands the variables
	CCACHE_DIR=$dir/ccache take ccache bash -c '
		for ((i = 0; i < $1; i++)); do ccache gcc -c -o "to/$i.o" "from/$i.c" || exit; done' - "$n"
}

# Counts instructions, but not for larger sizes, which take long under valgrind and show nothing new.
count() # COMMAND...
{
	[ "$n" -gt "$(pick 10000 1000 1000)" ] || count_instructions "$@"
}

cd "$dir" || exit
for n in $(pick "1000 10000 100000" "100 1000 10000" "10 30 100"); do
	turns=$(pick 3 2 1)
	[ "$n" -lt "$(pick 100000 10000 100000)" ] || turns=1
	programs="ours=$turns copy=$turns"
	row "store-put-$n" "the store: put $n objects of 4 KiB" put "$n"
	compare run_put "$programs"
	discard "$dir/counted"
	count "$build/bench/store" put "$dir/counted" "$n"
	end_row
	row "store-get-$n" "the store: get $n objects" get "$n"
	if [ "$n" -le 1000 ]; then
		mkdir -p from to
		for ((i = 0; i < n; i++)); do echo "int number_$i = $i;" > "from/$i.c"; done
		unrecorded take_ccache
		programs+=" ccache=1"
	fi
	compare run_get "$programs"
	discard "$dir/to"
	mkdir "$dir/to"
	count "$build/bench/store" get "$dir/store" "$n" "$dir/to"
	end_row
	row "store-verify-$n" "the store: verify $n objects" verify "$n"
	compare run_verify "ours=$turns sha256sum=$turns"
	count "$build/bench/store" verify "$dir/store" "$n"
	end_row
done
