# shellcheck shell=bash
# Sourced first by everything that starts servers of its own: settings in the environment win over .env, so one that the caller has would reach them
# all. The caller has set ROOT; BREAKOUT_PROGRAM stays, it chooses what is tested.
for name in $(sed -nE 's/^#?[[:space:]]*([A-Z][A-Z0-9_]*)=.*/\1/p' "$ROOT/.env.example") NO_COLOR; do unset "$name" "${name}_FILE"; done
unset name
