// Loads of segment registers in ring 0, again and again as kernels do: each does what its selector, the GDT
// and the descriptor in memory say now, whatever they said the last time, and changes nothing else.
#include "paging.h"

enum { kSeg = 0x33 & ~3, kOther = 0x3B & ~3, kRounds = 5 };
static uint32_t area[64];

// Argument: selector. They return what is at offset 0 of the segment.
#define LOADS(reg)                                                                                           \
  KERNEL_CODE(move_##reg, "movl 4(%esp), %eax\n" LABEL(move_##reg##_at) "movl %eax, %" #reg "\n movl %" #reg \
                                                                        ":0, %eax");                         \
  KERNEL_CODE(pop_##reg, "pushl 4(%esp)\n" LABEL(pop_##reg##_at) "popl %" #reg "\n movl %" #reg ":0, %eax"); \
  extern char move_##reg##_at[], pop_##reg##_at[]
LOADS(fs);
LOADS(gs);
static char* const kLoads[] = {move_fs, pop_fs, move_gs, pop_gs};
static char* const kLoadsAt[] = {move_fs_at, pop_fs_at, move_gs_at, pop_gs_at};

static uint64_t data_at(uint32_t* base) {
  return descriptor((uint32_t)base, 0xFFFFF, 0x93, kBig | kGranular);
}

static void loads_all(uint16_t selector, uint32_t value) {
  for (unsigned n = 0; n < 4; n++) {
    CHECK_EQ(try_call(kLoads[n], selector), kNoTrap);
    CHECK_EQ(call_result, value);
  }
}

static void faults_all(uint16_t selector, int vector, uint32_t code) {
  for (unsigned n = 0; n < 4; n++) CHECK_FAULT(try_call(kLoads[n], selector), vector, kLoadsAt[n], code);
}

static void set_up(void) {
  for (uint32_t i = 0; i < 64; i++) area[i] = 100 + i;
  gdt[kSeg >> 3] = data_at(area);
  gdt[kOther >> 3] = data_at(area + 1);
}

// The selector stays, the descriptor does not; then both take turns.
static void descriptor_changes(void) {
  for (uint32_t i = 0; i < kRounds; i++) {
    gdt[kSeg >> 3] = data_at(area + 2 * i);
    loads_all(kSeg, 100 + 2 * i);
    loads_all(kSeg, 100 + 2 * i);
    loads_all(kOther, 101);
  }
  for (unsigned i = 0; i < kRounds; i++) {
    gdt[kSeg >> 3] = data_at(area) & ~(0x80ull << 40);
    faults_all(kSeg, kNotPresent, kSeg);
    gdt[kSeg >> 3] = data_at(area);
    loads_all(kSeg, 100);
  }
}

static void load_gdt(uint64_t* base, uint16_t limit) {
  const struct __attribute__((packed)) {
    uint16_t limit;
    uint64_t* base;
  } operand = {limit, base};
  __asm__ volatile("lgdt %0" : : "m"(operand));
}

static void gdt_changes(void) {
  static uint64_t copies[32] __attribute__((aligned(8)));
  copy(copies, gdt, sizeof copies);
  copies[kSeg >> 3] = data_at(area + 9);
  for (unsigned i = 0; i < kRounds; i++) {
    loads_all(kSeg, 100);
    load_gdt(gdt, kSeg + 6);
    faults_all(kSeg, kProtection, kSeg);
    load_gdt(copies, sizeof copies - 1);
    loads_all(kSeg, 109);
    load_gdt(gdt, sizeof gdt - 1);
  }
}

// The page that the GDT is in becomes another.
static void page_changes(void (*flush_it)(void*)) {
  Entry* const directory = (Entry*)read_cr3();
  uint64_t* const frames[] = {alloc_page(), alloc_page()};
  uint64_t* const mapped = (uint64_t*)kTestBase;
  for (unsigned n = 0; n < 2; n++) {
    copy(frames[n], gdt, sizeof gdt);
    frames[n][kSeg >> 3] = data_at(area + 3 + n);
  }
  map(directory, kTestBase, (uint32_t)frames[0] | kP | kW);
  flush_it(mapped);
  load_gdt(mapped, sizeof gdt - 1);
  for (unsigned i = 0; i < kRounds; i++) {
    loads_all(kSeg, 103 + i % 2);
    loads_all(kSeg, 103 + i % 2);
    map(directory, kTestBase, (uint32_t)frames[(i + 1) % 2] | kP | kW);
    flush_it(mapped);
  }
  load_gdt(gdt, sizeof gdt - 1);
}
static void flush_page(void* page) { invlpg(page); }
static void flush_all(void* page) {
  (void)page;
  flush();
}

// Argument: selector. Loads FS and GS under flags_before; EBX, ECX, EDX, ESI, EDI, EBP and the selector in
// EAX should stay: `registers` is the sum of the former, call_result the latter.
static uint32_t flags_before, flags_after_move, flags_after_pop, registers;
KERNEL_CODE(load_keeps,
            "movl 4(%esp), %eax\n pushl %ebx\n pushl %esi\n pushl %edi\n pushl %ebp\n"
            "movl $0x11, %ebx\n movl $0x22, %ecx\n movl $0x44, %edx\n"
            "movl $0x88, %esi\n movl $0x110, %edi\n movl $0x220, %ebp\n"
            "pushl flags_before\n popfl\n movl %eax, %fs\n pushfl\n popl flags_after_move\n"
            "pushl %eax\n pushl flags_before\n popfl\n popl %gs\n pushfl\n popl flags_after_pop\n cld\n"
            "addl %ebx, %ebp\n addl %ecx, %ebp\n addl %edx, %ebp\n addl %esi, %ebp\n addl %edi, %ebp\n"
            "movl %ebp, registers\n popl %ebp\n popl %edi\n popl %esi\n popl %ebx");

static void nothing_else_changes(void) {
  static const uint32_t kFlags[] = {1, 4, 0x10, 0x40, 0x80, 0x400, 0x800};  // CF PF AF ZF SF DF OF
  for (uint32_t n = 0; n < 256; n++) {
    const uint16_t selector = n % 3 ? kSeg : 0;
    flags_before = 2;
    for (unsigned bit = 0; bit < 7; bit++) flags_before |= n >> bit & 1 ? kFlags[bit] : 0;
    CHECK_EQ(try_call(load_keeps, selector), kNoTrap);
    CHECK_EQ(flags_after_move, flags_before);
    CHECK_EQ(flags_after_pop, flags_before);
    CHECK_EQ(registers, 0x42F);
    CHECK_EQ(call_result, selector);
  }
}

// DS: what is not flat is used as it is, in the same block.
KERNEL_CODE(move_ds, "movl 4(%esp), %eax\n movl %eax, %ds\n movl 0, %eax\n pushl %ss\n popl %ds");
static void data_segment(void) {
  for (unsigned i = 0; i < kRounds; i++) {
    CHECK_EQ(try_call(move_ds, kSeg), kNoTrap);
    CHECK_EQ(call_result, 100);
    poke(0, 77);
    CHECK_EQ(try_call(move_ds, kKernelDs), kNoTrap);
    CHECK_EQ(call_result, 77);
  }
}

void guest_main(void) {
  for (int with_paging = 0; with_paging < 2; with_paging++) {
    set_up();
    loads_all(kSeg, 100);
    descriptor_changes();
    gdt_changes();
    nothing_else_changes();
    data_segment();
    if (with_paging) {
      page_changes(flush_page);
      page_changes(flush_all);
    } else {
      enable_paging(new_identity_directory());
    }
  }
}
