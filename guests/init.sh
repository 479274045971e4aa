#!/bin/busybox sh
# shellcheck shell=dash
# /init of the guest: sets up what a shell needs, and gives process 1 to guests/session.c.
# guest_rows and guest_columns may be given on the kernel's command line.
/bin/busybox mount -t devtmpfs devtmpfs /dev
[ -e /bin/mount ] || /bin/busybox --install -s /bin
export PATH=/sbin:/bin HOME=/root PS1='\w # '
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /dev/shm
hostname guest
stty rows "${guest_rows:-25}" cols "${guest_columns:-80}"
echo 'ringdown: guest is up'
cd /root || exit
exec /sbin/session /command
