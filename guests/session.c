// Process 1 of the guest, after /init has set up: session COMMAND_PATH. It runs the shell on the console or,
// if there is a file of that path, that file by the shell; when it ends, the machine does.
//
// Around a command it says two lines, between which is exactly what the command printed, and nothing after
// them:
//   ringdown: command starts
//   ringdown: exit status N      (not on a line of its own if the command did not end its last one)
//
// The machine has no ACPI, so there is no standard way to switch it off. QEMU's isa-debug-exit device, at its
// standard port, ends the machine's process with (N << 1) | 1 instead. The host keeps eight bits of that, so
// it is the console that has the whole status. tools/run-command puts the two together.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { kDebugExitPort = 0x501 };

static void end_machine(int status) {
  tcdrain(STDOUT_FILENO);  // the console's last words
  sync();
  if (ioperm(kDebugExitPort, 1, 1) == 0) outb((unsigned char)status, kDebugExitPort);
  // Nothing answered at that port: what there is without it.
  reboot(RB_POWER_OFF);
}

// The child gets a session and, from cttyhack, the terminal behind the console as its controlling terminal.
static pid_t start(const char* command) {
  const pid_t child = fork();
  if (child != 0) return child;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setsid();
  execlp("cttyhack", "cttyhack", "sh", command, (char*)NULL);
  perror("session: cttyhack");
  _exit(127);
}

// As a shell would say it.
static int exit_status(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

// Reaps whatever has ended; the first child's end is that of the session.
static void reap(pid_t first, const char* command) {
  int wait_status;
  for (pid_t ended; (ended = waitpid(-1, &wait_status, WNOHANG)) > 0;) {
    if (ended != first) continue;
    if (command == NULL) end_machine(0);
    printf("ringdown: exit status %d\n", exit_status(wait_status));
    fflush(stdout);
    end_machine(exit_status(wait_status));
  }
}

int main(int argc, char** argv) {
  const char* command = argc > 1 && access(argv[1], R_OK) == 0 ? argv[1] : NULL;
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  // busybox's halt, poweroff and reboot ask process 1 by these.
  sigaddset(&awaited, SIGUSR1);
  sigaddset(&awaited, SIGUSR2);
  sigaddset(&awaited, SIGTERM);
  sigprocmask(SIG_BLOCK, &awaited, NULL);

  if (command != NULL) puts("ringdown: command starts");
  fflush(stdout);
  const pid_t child = start(command);
  for (;;) {
    int signal_number = 0;
    sigwait(&awaited, &signal_number);
    if (signal_number == SIGTERM) reboot(RB_AUTOBOOT);
    if (signal_number == SIGUSR1 || signal_number == SIGUSR2) end_machine(0);
    if (signal_number == SIGCHLD) reap(child, command);
  }
}
