// The user calls what lies beside a CPUID. While it executes that, the answer is the guest's; from when it
// does not, user code that runs natively may do so there as well.
#include "paging.h"

enum { kCpuids = 10, kRounds = 200, kOther = 0x10 };
// CPUID and RET; RET.
static const uint8_t code[] = {0x0F, 0xA2, 0xC3}, other[] = {0xC3};

// EAX: where to. CPUID's leaf is 0.
USER_CODE(user_call, "movl %eax, %edx\n xorl %eax, %eax\n call *%edx");

void guest_main(void) {
  Entry* const directory = new_identity_directory();
  map(directory, kTestBase, (uint32_t)alloc_page() | kP | kW | kU);
  enable_paging(directory);
  copy((void*)kTestBase, code, sizeof code);
  copy((void*)(kTestBase + kOther), other, sizeof other);
  uint32_t eax = 0, ebx, ecx, edx;
  __asm__("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
  for (int n = 0; n < kCpuids; n++) {
    CHECK_EQ(try_user(user_call, kTestBase), kUserExit);
    CHECK_EQ(trap.eax, eax);
    CHECK_EQ(trap.ebx, ebx);
    CHECK_EQ(trap.ecx, ecx);
    CHECK_EQ(trap.edx, edx);
  }
  for (int n = 0; n < kRounds; n++) CHECK_EQ(try_user(user_call, kTestBase + kOther), kUserExit);
}
