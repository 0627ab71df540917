#!/bin/sh
# After the files are there. Debian calls it with "configure" and the version before, if any; RPM with 1 or 2 for how
# many versions there are.
set -e
case $1 in
  configure) before=$2 ;;
  1) before= ;;
  2) before=another ;;
  *) exit 0 ;;
esac

if command -v systemd-sysusers >/dev/null; then
  systemd-sysusers rotd.conf
elif ! getent group rotd-operators >/dev/null; then
  groupadd --system rotd-operators
fi
# systemd-tmpfiles wants /proc, which is not there while an image is built: its two lines are done by hand then.
if ! systemd-tmpfiles --create rotd.conf 2>/dev/null; then
  chown root:rotd-operators /etc/rotd /etc/rotd/rotd.yaml
  chmod 0750 /etc/rotd
  chmod 0640 /etc/rotd/rotd.yaml
fi

dropins=/usr/lib/systemd/system/rotd.service.d
systemd=$(systemctl --version 2>/dev/null || true) # "systemd 257 (257.4-1)" and features
systemd=${systemd#systemd }
systemd=${systemd%%[!0-9]*}
if [ "${systemd:-0}" -ge 253 ]; then
  mkdir -p $dropins
  ln -sf /usr/share/rotd/notify-reload.conf $dropins/notify-reload.conf
fi

if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # What was received and not yet committed comes again from the queue: a restart loses and repeats nothing.
  [ -z "$before" ] || systemctl try-restart rotd.service
fi
[ -n "$before" ] || cat <<'EOF'
rotd is installed and not started. Next:
  1. edit /etc/rotd/rotd.yaml: the queue and the topics are examples
  2. rotd config validate /etc/rotd/rotd.yaml
  3. systemctl enable --now rotd
EOF
