// Ends the virtual machine and takes an exit status out of it: poweroff [STATUS].
//
// The machine has no ACPI, so there is no standard way to switch it off. QEMU's isa-debug-exit device, at its
// standard port, ends the machine's process with (STATUS << 1) | 1 instead. Of that the host keeps eight bits:
// seven of the status. Where all eight matter, /init says the status on the console as well.
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

enum { kDebugExitPort = 0x501 };

int main(int argc, char** argv) {
  const int status = argc > 1 ? atoi(argv[1]) : 0;
  if (ioperm(kDebugExitPort, 1, 1) != 0) {
    perror("poweroff: ioperm");
    return 1;
  }
  tcdrain(STDOUT_FILENO);  // the console's last words
  outb((unsigned char)status, kDebugExitPort);
  // Nothing answered at that port.
  sync();
  reboot(RB_POWER_OFF);
  perror("poweroff: reboot");
  return 1;
}
