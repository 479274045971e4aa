// confine PROGRAM ARGUMENT...: runs a program as an ordinary user in a container would be run: as nobody,
// without any capability or the means to get one, and without the system calls that Docker's default profile
// refuses such a process (https://docs.docker.com/engine/security/seccomp/).
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kNobody = 65534, kLastCapability = 63 };

// clock_settime and what else needs a capability anyway is here as well: the profile refuses it before that.
static const int kRefused[] = {
    SYS_acct,
    SYS_add_key,
    SYS_bpf,
    SYS_clock_adjtime,
    SYS_clock_settime,
    SYS_create_module,
    SYS_delete_module,
    SYS_finit_module,
    SYS_get_kernel_syms,
    SYS_get_mempolicy,
    SYS_init_module,
    SYS_ioperm,
    SYS_iopl,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_io_uring_setup,
    SYS_kcmp,
    SYS_kexec_file_load,
    SYS_kexec_load,
    SYS_keyctl,
    SYS_lookup_dcookie,
    SYS_mbind,
    SYS_migrate_pages,
    SYS_mount,
    SYS_mount_setattr,
    SYS_move_mount,
    SYS_move_pages,
    SYS_name_to_handle_at,
    SYS_nfsservctl,
    SYS_open_by_handle_at,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_perf_event_open,
    SYS_pidfd_getfd,
    SYS_pivot_root,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_query_module,
    SYS_quotactl,
    SYS_reboot,
    SYS_request_key,
    SYS_set_mempolicy,
    SYS_setns,
    SYS_settimeofday,
    SYS_swapoff,
    SYS_swapon,
    SYS_syslog,
    SYS_sysfs,
    SYS__sysctl,
    SYS_umount2,
    SYS_unshare,
    SYS_uselib,
    SYS_userfaultfd,
    SYS_ustat,
    SYS_vhangup,
    SYS_chroot,
    SYS_fanotify_init,
};
enum { kRefusedCount = sizeof kRefused / sizeof *kRefused };

static void die(const char* what) {
  perror(what);
  exit(125);
}

static void drop_privileges(void) {
  for (int capability = 0; capability <= kLastCapability; capability++)
    prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  if (geteuid() == 0 &&
      (setgroups(0, NULL) || setresgid(kNobody, kNobody, kNobody) || setresuid(kNobody, kNobody, kNobody)))
    die("confine: cannot become nobody");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) die("confine: no_new_privs");
}

static void refuse_system_calls(void) {
  struct sock_filter filter[16 + 2 * kRefusedCount];
  unsigned short length = 0;
#define ADD(...) filter[length++] = (struct sock_filter)__VA_ARGS__
#define RETURN(value) ADD(BPF_STMT(BPF_RET | BPF_K, (value)))
  ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
  ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
  RETURN(SECCOMP_RET_ALLOW);  // 32-bit system calls: Docker has a profile for them, which a 64-bit program
                              // never meets
  ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
  ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1));
  RETURN(SECCOMP_RET_ERRNO | ENOSYS);
  for (int n = 0; n < kRefusedCount; n++) {
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)kRefused[n], 0, 1));
    RETURN(SECCOMP_RET_ERRNO | EPERM);
  }
  ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3));
  ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])));
  ADD(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x7E020000, 0, 1));  // new name spaces
  RETURN(SECCOMP_RET_ERRNO | EPERM);
  RETURN(SECCOMP_RET_ALLOW);
  const struct sock_fprog program = {length, filter};
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0)) die("confine: seccomp");
}

int main(int count, char** arguments) {
  if (count < 2) {
    fputs("usage: confine PROGRAM ARGUMENT...\n", stderr);
    return 125;
  }
  drop_privileges();
  refuse_system_calls();
  execvp(arguments[1], arguments + 1);
  die(arguments[1]);
}
