# SPDX-License-Identifier: GPL-2.0
# bash completion for daxlinear(8): what there is to complete is asked of the command itself.

_daxlinear_mapped() {
	local path
	for path in /dev/mapper/*; do
		[[ $path == */control ]] || echo "${path##*/}"
	done
}

# the names of sets that may not be assembled
_daxlinear_sets() {
	"$1" members --json 2>/dev/null | sed -n 's/^ *"name": "\(.*\)",$/\1/p'
}

_daxlinear() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local program=${COMP_WORDS[0]} command=${COMP_WORDS[1]} words

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		words=$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z]*\)  .*/\1/p')
	elif [[ $word == -* ]]; then
		words=$("$program" "$command" --help 2>/dev/null | grep -o -- '--[a-z][a-z-]*')" --help"
	elif [[ $before == --@(svg|output|file|from) || $word == */* ]]; then
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
	elif [[ $before == --@(offset|len|granule) ]]; then
		return
	elif [[ $command == lvm ]]; then
		((COMP_CWORD != 2)) || words="status check reconcile"
	elif [[ $command == release || $before == --incremental ]]; then
		words=$(compgen -G '/dev/pmem*')
	elif [[ $command == @(assemble|rename) ]]; then
		words=$(_daxlinear_sets "$program")
	elif ((COMP_CWORD > 2)) && [[ $command == @(create|extend|replace|resolve) ]]; then
		words="$(_daxlinear_mapped) $(compgen -G '/dev/pmem*')"
	else
		words=$(_daxlinear_mapped)
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word" | sort -u)
}

complete -F _daxlinear daxlinear
