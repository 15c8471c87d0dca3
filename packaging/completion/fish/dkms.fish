# Completion of dkms for fish. "dkms --complete WORD..." prints the possible completions of the last
# WORD, one on each line, with a description after a tab. The lines ":files" and ":directories" ask
# for file names.

function __dkms_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l typed (commandline -ct)
    set -l prefix (string match -r -- '^--[^=]*=' $typed)
    for line in ($words[1] --complete $words[2..-1] 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path (string replace -r -- '^--[^=]*=' '' $typed) | string replace -r '^' -- "$prefix"
            case ':directories'
                __fish_complete_directories (string replace -r -- '^--[^=]*=' '' $typed) '' | string replace -r '^' -- "$prefix"
            case '*'
                echo $line
        end
    end
end

complete -c dkms -f -a '(__dkms_complete)'
