#!/bin/sh
# After the files are gone. Debian calls it with "remove", "purge" or "upgrade"; RPM with 0 when no version stays.
set -e
[ ! -d /run/systemd/system ] || systemctl daemon-reload
case $1 in
  purge | 0)
    # The state holds the audit log, which is evidence: no package manager throws that away.
    for state in /var/lib/private/rotd /var/lib/rotd; do
      [ ! -d "$state" ] || [ -h "$state" ] || echo "rotd: the state with its audit log stays in $state; remove it by hand."
    done
    ;;
esac
