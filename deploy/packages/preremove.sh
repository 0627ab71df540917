#!/bin/sh
# Before the files go. Debian calls it with "remove" or "upgrade"; RPM with 0 when no version stays.
set -e
case $1 in
  remove | 0)
    [ ! -d /run/systemd/system ] || systemctl disable --now rotd.service
    ;;
esac
