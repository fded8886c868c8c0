#!/bin/busybox sh
# Answers on a paravirtual console (its standard input and output), one line each:
#   ask    ID SHELL-WORDS         (quoted as a shell reads them)
#   reply  longhaul ID STATUS OUTPUT
# Each line of the output ends with a record separator (RS, 036) instead of a line feed. All of it is the
# shell's own work: in an emulated guest every process costs milliseconds between two trials.
line_feed='
'
record_separator=$(printf '\036')
while read -r id command; do
  [ -n "$id" ] || continue
  output=$(eval "$command" 2>&1; echo "status $?")
  status=${output##*status }
  output=${output%status *}
  echo "longhaul $id $status ${output//"$line_feed"/"$record_separator"}"
done
