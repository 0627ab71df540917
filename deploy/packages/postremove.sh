#!/bin/sh
# After the files are gone. Debian calls it with "remove", "purge" or "upgrade"; RPM with 0 when no version stays.
set -e
case $1 in
  remove | 0)
    rm -f /usr/lib/systemd/system/rotd.service.d/notify-reload.conf
    rmdir /usr/lib/systemd/system/rotd.service.d 2>/dev/null || true # what somebody else put there stays
    ;;
esac
[ ! -d /run/systemd/system ] || systemctl daemon-reload
case $1 in
  purge | 0)
    # The state holds the audit log, which is evidence: no package manager throws that away.
    for state in /var/lib/private/rotd /var/lib/rotd; do
      [ ! -d "$state" ] || [ -h "$state" ] || echo "rotd: the state with its audit log stays in $state; remove it by hand."
    done
    ;;
esac
