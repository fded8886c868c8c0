#!/bin/busybox sh
# Answers on the second serial port, one line each:
#   ask    ID SHELL-WORDS         (quoted as a shell reads them)
#   reply  longhaul ID STATUS BASE64-OF-OUTPUT
# Base64: whatever a command prints, its answer stays one line of known letters.
stty -F /dev/ttyS1 raw -echo
while read -r id command; do
  output=$(eval "$command" 2>&1; echo "status $?")
  status=${output##*status }
  output=${output%status *}
  echo "longhaul $id $status $(printf '%s' "$output" | base64 | tr -d '\n')"
done </dev/ttyS1 >/dev/ttyS1
