#!/bin/busybox sh
# shellcheck shell=dash
# /init of the guest: a shell on the console, or, if there is a /command, that command; then off.
#
# Around a command it says two lines, between which is exactly what the command printed, and nothing after them:
#   ringdown: command starts
#   ringdown: exit status N      (not on a line of its own if the command did not end its last one)
# The machine then ends by isa-debug-exit with N, of which the host sees the low seven bits.
# guest_rows and guest_columns may be given on the kernel's command line.
/bin/busybox mount -t devtmpfs devtmpfs /dev
[ -e /bin/mount ] || /bin/busybox --install -s /bin
export PATH=/sbin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /dev/shm
hostname guest
stty rows "${guest_rows:-25}" cols "${guest_columns:-80}"
echo 'ringdown: guest is up'
cd /root || exit

# busybox's halt, poweroff and reboot ask process 1 by these signals.
trap '/sbin/poweroff 0' USR1 USR2
trap 'reboot -f' TERM

# In the background, for a trap waits for a foreground program to end; with the console, not /dev/null, as input.
exec 3<&0
if [ -e /command ]; then
  echo 'ringdown: command starts'
  setsid cttyhack sh /command <&3 3<&- &
  wait $!
  status=$?
  stty sane
  printf 'ringdown: exit status %d\n' "$status"
else
  PS1='\w # ' setsid cttyhack sh <&3 3<&- &
  wait $!
  status=0
fi
/sbin/poweroff "$status"
