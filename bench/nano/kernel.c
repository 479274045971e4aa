// What privileged instructions, traps and page tables cost: a multiboot kernel that prints "ROW - CYCLES" on
// COM1 and ends by port 501h, with 0 if every row did what it measures. docs/benchmarks.md says what each row
// is. Everything but the row of the timer runs with interrupts masked at the PIC.
#include <stddef.h>

#include "interrupts.h"
#include "measure.h"
#include "paging.h"

enum { kPages = 1024, kPageBytes = 4096, kUserRegion = kTestBase, kKernelRegion = kTestBase + (4 << 20) };
// A page that two address spaces map to frames of their own.
enum { kPrivatePage = kTestBase + (8 << 20) };
enum { kInt80 = 0x80, kStamp = 0x81 };

static struct Memory kernel_memory __attribute__((aligned(4096)));
USER_DATA static struct Memory user_memory __attribute__((aligned(4096)));
static uint8_t frames[kPages][kPageBytes] __attribute__((aligned(4096)));
static uint8_t sysenter_stack[256];
static Entry *directory, *other_directory, *kernel_table;
// Known to the code in assembly: traps taken, the page table of the user region, what the entries of the two
// regions become, and the entry of the private page.
uint32_t traps;
Entry *user_table, *private_entry;
Entry user_entries[kPages], kernel_entries[kPages];

// ---- Trap handlers, as short as they can be ----
#define HANDLER(name, body)                                                   \
  __asm__(".text\n .balign 64\n" LABEL(name) "incl traps\n" body "\n iretl"); \
  extern char name[]
HANDLER(on_int80, "");
HANDLER(on_stamp, "rdtsc");
HANDLER(on_tick, "pushl %eax\n movb $0x20, %al\n outb %al, $0x20\n popl %eax");
HANDLER(on_divide, "addl $2, (%esp)");  // behind the DIV
__asm__(".text\n .balign 64\n" LABEL(on_sysenter) "incl traps\n sysexit");
// A missing page of the user region becomes present; any other fault is the support code's.
__asm__(".text\n .balign 64\n" LABEL(on_page_fault)
        "pushl %eax\n pushl %ecx\n pushl %edx\n movl %cr2, %eax\n subl $0x40000000, %eax\n shrl $12, %eax\n"
        "cmpl $1024, %eax\n jae 1f\n"
        "movl user_entries(,%eax,4), %ecx\n movl user_table, %edx\n movl %ecx, (%edx,%eax,4)\n incl traps\n"
        "popl %edx\n popl %ecx\n popl %eax\n addl $4, %esp\n iretl\n"
        "1: popl %edx\n popl %ecx\n popl %eax\n jmp trap_stubs + 16 * 14");
extern char on_sysenter[], on_page_fault[], trap_stubs[];

// ---- Loops ----
UNPRIVILEGED_LOOPS(USER_LOOP, );
UNPRIVILEGED_LOOPS(KERNEL_LOOP, kernel_);

KERNEL_LOOP(clts_loop, "", "clts", "");
KERNEL_LOOP(mov_cr0_loop, "movl %cr0, %esi", "movl %esi, %cr0", "");
KERNEL_LOOP(stts_clts_loop, "movl %cr0, %esi\n orl $8, %esi", "movl %esi, %cr0\n clts", "");
KERNEL_LOOP(mov_cr3_loop, "movl %cr3, %esi", "movl %esi, %cr3", "");
KERNEL_LOOP(cr3_switch_loop, "movl %cr3, %esi", "xchgl %esi, %ebx\n movl %esi, %cr3\n addl 0x40800000, %edi",
            RETURN_EDI);
KERNEL_LOOP(invlpg_loop, "", "invlpg (%ebx)", "");
// ESI and EDX: two entries for one page, in turn.
KERNEL_LOOP(remap_loop, "movl private_entry, %ecx\n movl (%ecx), %esi\n leal 4096(%esi), %edx",
            "xchgl %esi, %edx\n movl %esi, (%ecx)\n invlpg (%ebx)\n addl (%ebx), %edi", RETURN_EDI);
KERNEL_LOOP(in_80h_loop, "", "inb $0x80, %al", "");
KERNEL_LOOP(in_21h_loop, "xorl %eax, %eax", "inb $0x21, %al", "");
KERNEL_LOOP(cli_sti_loop, "", "cli\n sti", "pushfl\n popl %eax\n cli");
KERNEL_LOOP(iret_kernel_loop, "", "pushfl\n pushl %cs\n pushl $9f\n iretl\n hlt\n 9: incl %edi", RETURN_EDI);
KERNEL_LOOP(pte_same_loop, "movl (%ebx), %esi", "movl %esi, (%ebx)", "");
KERNEL_LOOP(pte_clear_loop, "", "movl $0, (%ebx)\n addl $4, %ebx", "");
KERNEL_LOOP(pte_clear_invlpg_loop, "movl $0x40400000, %edx",
            "movl $0, (%ebx)\n invlpg (%edx)\n addl $4, %ebx\n addl $4096, %edx", "");
KERNEL_LOOP(pte_set_loop, "movl $kernel_entries, %esi", "lodsl\n movl %eax, (%ebx)\n addl $4, %ebx", "");
KERNEL_LOOP(pte_set_touch_loop, "movl $kernel_entries, %esi\n movl $0x40400000, %edx",
            "lodsl\n movl %eax, (%ebx)\n addl (%edx), %edi\n addl $4, %ebx\n addl $4096, %edx", RETURN_EDI);

USER_LOOP(int80_loop, "", "int $0x80", "");
USER_LOOP(sysenter_loop, "", "movl %esp, %ecx\n movl $9f, %edx\n sysenter\n 9:", "");
USER_LOOP(touch_loop, "", "addl (%ebx), %edi\n addl $4096, %ebx", RETURN_EDI);
USER_LOOP(divide_loop, "xorl %ecx, %ecx", "divl %ecx", "");
// EAX: the time stamp just before IRET.
USER_LOOP(iret_user_loop, "", "int $0x81\n movl %eax, %ecx\n rdtsc\n subl %ecx, %eax\n addl %eax, %edi",
          RETURN_EDI);
USER_LOOP(two_stamps_loop, "", "rdtsc\n movl %eax, %ecx\n rdtsc\n subl %ecx, %eax\n addl %eax, %edi",
          RETURN_EDI);
USER_CODE(call_loop, "call *%eax");

uint32_t run_loop(const struct Row* row, Loop* loop, uint32_t iterations) {
  if (!row->in_user) return loop(iterations, row->pointer);
  const uint32_t stack = (uint32_t)user_stack_top - 8;
  poke(stack, iterations);
  poke(stack + 4, (uint32_t)row->pointer);
  run_user(call_loop, stack, 2, (uint32_t)loop);
  return trap.eax;
}

// How many cycles of a computing loop so many timer interrupts take. It is known how long the loop would have
// taken without them.
static uint32_t tick_loop(uint32_t iterations, void* unused) {
  enum { kSpins = 1000, kTimedAlone = 64, kPitDivisor = 119 /* 10 kHz */ };
  (void)unused;
  uint64_t start = rdtsc();
  for (uint32_t i = 0; i < kTimedAlone; i++) kernel_empty_loop(kSpins, NULL);
  const uint64_t alone = rdtsc() - start;
  pic_unmask(0);
  pit_periodic(kPitDivisor);
  sti();
  for (traps = 0; traps == 0;) kernel_empty_loop(1, NULL);
  traps = 0;
  uint32_t loops = 0;
  for (start = rdtsc(); traps < iterations * kUnroll; loops++) kernel_empty_loop(kSpins, NULL);
  const uint64_t all = rdtsc() - start;
  cli();
  pit_once(1);
  pic_init();
  const uint64_t own = loops * alone / kTimedAlone;
  return all > own ? (uint32_t)(all - own) : 0;
}

// ---- What the rows need, and whether it happened ----
static const struct Row* measured;

void mark(const char* text) {
  if (!marks) return;
  while (*text) out8(0xE9, (uint8_t)*text++);
}

static _Noreturn void end_machine(uint8_t status) {
  while (!(in8(0x3FD) & 0x40)) {
  }
  out8(0x501, status);
  for (;;) __asm__ volatile("cli; hlt");
}

_Noreturn void give_up(const struct Row* row, const char* what) {
  print("FAIL ");
  print(row ? row->name : "start");
  print(": ");
  print(what);
  print("\n");
  end_machine(1);
}

static int on_trap(struct Frame* frame) {
  if (frame->vector == kUserExit) return 0;
  print("vector ");
  print_hex(frame->vector);
  print(" at ");
  print_hex(frame->eip);
  print(" cr2 ");
  print_hex(trap_cr2);
  print("\n");
  give_up(measured, "unexpected trap");
}

static void count_traps(const struct Row* row) {
  (void)row;
  traps = 0;
}

static int check_traps(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row, (void)result;
  return traps == operations;
}

static int check_enough_traps(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row, (void)result;
  return traps >= operations;
}

static void set_ts(const struct Row* row) {
  (void)row;
  write_cr0(read_cr0() | kCr0Ts);
}

static int check_ts_clear(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row, (void)operations, (void)result;
  return !(read_cr0() & kCr0Ts);
}

static int check_paging(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row, (void)operations, (void)result;
  return (read_cr0() & kCr0Pg) && read_cr3() == (uint32_t)directory;
}

static int check_mask(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row, (void)operations;
  return result == 0xFF;
}

static int check_any(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row, (void)operations, (void)result;
  return 1;
}

static int check_interrupt_flag(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row, (void)operations;
  return result & kFlagIf;
}

// The private page reads as 1 and 2 in turn.
static int check_both_frames(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row;
  return result == operations / 2 * 3;
}

static void fill_table(Entry* table, const Entry* entries) {
  for (uint32_t i = 0; i < kPages; i++) table[i] = entries ? entries[i] : 0;
  flush();
  traps = 0;
}

static uint32_t sum_of_pages(uint32_t region) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < kPages; i++) sum += peek(region + i * kPageBytes);
  return sum;
}

static void prepare_missing_user(const struct Row* row) {
  (void)row;
  fill_table(user_table, 0);
}

static void prepare_missing(const struct Row* row) {
  (void)row;
  fill_table(kernel_table, 0);
}

static void prepare_present(const struct Row* row) {
  (void)row;
  fill_table(kernel_table, kernel_entries);
  sum_of_pages(kKernelRegion);
}

enum { kSum = kPages * (kPages + 1) / 2 };

static int check_faults(const struct Row* row, uint32_t operations, uint32_t result) {
  return result == kSum && check_traps(row, operations, result);
}

static int check_sum(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row, (void)operations;
  return result == kSum;
}

static int check_present(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)row, (void)operations, (void)result;
  return sum_of_pages(kKernelRegion) == kSum;
}

static int is_missing(uint32_t linear) {
  trap_hook = NULL;
  const int vector = try_call(kernel_read, linear);
  trap_hook = on_trap;
  return vector == kPage;
}

static int check_missing(const struct Row* row, uint32_t operations, uint32_t result) {
  (void)operations, (void)result;
  if (row->loop != pte_clear_invlpg_loop) flush();
  return is_missing(kKernelRegion) && is_missing(kKernelRegion + (kPages - 1) * kPageBytes);
}

// ---- The machine ----
static uint64_t wide_idt[256];

static void set_traps(void) {
  copy(wide_idt, idt, sizeof idt);
  wide_idt[kDivide] = gate(kInterruptGate, kKernelCs, on_divide);
  wide_idt[kPage] = gate(kInterruptGate, kKernelCs, on_page_fault);
  wide_idt[kIrq0] = gate(kInterruptGate, kKernelCs, on_tick);
  wide_idt[kInt80] = gate(kInterruptGate | kDpl3, kKernelCs, on_int80);
  wide_idt[kStamp] = gate(kInterruptGate | kDpl3, kKernelCs, on_stamp);
  const struct [[gnu::packed]] {
    uint16_t limit;
    const void* base;
  } idtr = {sizeof wide_idt - 1, wide_idt};
  __asm__ volatile("lidt %0" ::"m"(idtr));
  wrmsr(0x174, kKernelCs);
  wrmsr(0x175, (uint32_t)(sysenter_stack + sizeof sysenter_stack));
  wrmsr(0x176, (uint32_t)on_sysenter);
  trap_hook = on_trap;
}

// Neighbouring pages are no neighbouring frames, as in a kernel that has run for a while.
static void set_entries(void) {
  for (uint32_t i = 0; i < kPages; i++) {
    uint8_t* frame = frames[i * 5 % kPages];
    *(uint32_t*)frame = i + 1;
    kernel_entries[i] = (uint32_t)frame | kP | kW;
    user_entries[i] = (uint32_t)frame | kP | kW | kU;
  }
}

static void set_memory(void) {
  uint8_t* private_frames = alloc_page();
  if (alloc_page() != private_frames + kPageBytes) give_up(0, "two pages are no neighbours");
  poke((uint32_t)private_frames, 1);
  poke((uint32_t)private_frames + kPageBytes, 2);
  directory = new_identity_directory();
  user_table = page_entry(directory, kUserRegion);
  kernel_table = page_entry(directory, kKernelRegion);
  other_directory = new_directory();
  copy(other_directory, directory, kPageBytes);
  private_entry = page_entry(directory, kPrivatePage);
  *private_entry = (uint32_t)private_frames | kP | kW;
  map(other_directory, kPrivatePage, (uint32_t)(private_frames + kPageBytes) | kP | kW);
  set_entries();
  enable_paging(directory);
}

// ---- The command line, behind the kernel's name: "quick", "marks", and rows to measure ----
static const char* next_word(const char* text) {
  while (*text && *text != ' ') text++;
  while (*text == ' ') text++;
  return text;
}

static int is_word(const char* text, const char* word) {
  while (*word && *text == *word) text++, word++;
  return !*word && (!*text || *text == ' ');
}

static uint64_t row_bit(const struct Row* rows, uint32_t count, const char* word) {
  for (uint32_t i = 0; i < count; i++)
    if (is_word(word, rows[i].name)) return 1ull << i;
  give_up(NULL, "the command line names no row");
}

// Bit n: rows[n]. None: all of them.
static uint64_t chosen_rows(const struct Row* rows, uint32_t count) {
  enum { kHasCommandLine = 4 };
  uint64_t chosen = 0;
  if (!(multiboot_info[0] & kHasCommandLine)) return 0;
  for (const char* word = next_word((const char*)multiboot_info[4]); *word; word = next_word(word)) {
    if (is_word(word, "quick"))
      quick = 1;
    else if (is_word(word, "marks"))
      marks = 1;
    else
      chosen |= row_bit(rows, count, word);
  }
  return chosen;
}

static void measure_all(void) {
  void* const private_page = (void*)kPrivatePage;
  const uint32_t whole = kPages / kUnroll;
  const struct Row rows[] = {
      {"int80", int80_loop, empty_loop, NULL, count_traps, .in_user = 1, .check = check_traps},
      {"sysenter", sysenter_loop, empty_loop, NULL, count_traps, .in_user = 1, .check = check_traps},
      {"in_80h", in_80h_loop, kernel_empty_loop, .check = check_any},
      {"in_21h", in_21h_loop, kernel_empty_loop, .check = check_mask},
      {"clts", clts_loop, kernel_empty_loop, NULL, set_ts, .check = check_ts_clear},
      {"mov_cr0", mov_cr0_loop, kernel_empty_loop, .check = check_paging},
      {"stts_clts", stts_clts_loop, kernel_empty_loop, .check = check_ts_clear},
      {"mov_cr3", mov_cr3_loop, kernel_empty_loop, .check = check_paging},
      {"cr3_switch", cr3_switch_loop, kernel_empty_loop, other_directory, .check = check_both_frames},
      {"invlpg", invlpg_loop, kernel_empty_loop, private_page, .check = check_paging},
      {"remap", remap_loop, kernel_empty_loop, private_page, .check = check_both_frames},
      {"cli_sti", cli_sti_loop, kernel_empty_loop, .check = check_interrupt_flag},
      {"page_fault", touch_loop, empty_loop, (void*)kUserRegion, prepare_missing_user, whole, .in_user = 1,
       .check = check_faults},
      {"divide_error", divide_loop, empty_loop, NULL, count_traps, .in_user = 1, .check = check_traps},
      {"iret_kernel", iret_kernel_loop, kernel_empty_loop, .check = check_operations},
      {"iret_user", iret_user_loop, two_stamps_loop, NULL, count_traps, .in_user = 1, .times_itself = 1,
       .check = check_traps},
      {"tick", tick_loop, kernel_empty_loop, .iterations = 1, .times_itself = 1, .check = check_enough_traps},
      {"pte_same", pte_same_loop, kernel_empty_loop, kernel_table, prepare_present, .check = check_present},
      {"pte_clear", pte_clear_loop, kernel_empty_loop, kernel_table, prepare_present, whole,
       .check = check_missing},
      {"pte_clear_invlpg", pte_clear_invlpg_loop, kernel_empty_loop, kernel_table, prepare_present, whole,
       .check = check_missing},
      {"pte_set", pte_set_loop, kernel_empty_loop, kernel_table, prepare_missing, whole,
       .check = check_present},
      {"pte_set_touch", pte_set_touch_loop, kernel_empty_loop, kernel_table, prepare_missing, whole,
       .check = check_sum},
      UNPRIVILEGED_ROWS(kernel_, &kernel_memory, 0),
      UNPRIVILEGED_ROWS(, &user_memory, 1),
  };
  const uint32_t count = sizeof rows / sizeof *rows;
  const uint64_t chosen = chosen_rows(rows, count);
  mark("=start 0\n");
  for (uint32_t i = 0; i < count; i++) {
    if (chosen && !(chosen >> i & 1)) continue;
    measured = &rows[i];
    measure(measured);
  }
}

void guest_main(void) {
  out8(0x3FB, 3);  // COM1: eight bits, which not every machine's firmware has set
  print("\n");     // firmware may leave the cursor in a line of its own
  pic_init();
  set_memory();
  set_traps();
  measure_all();
  mark("=end 0\n");
  print("PASS\n");
  end_machine(0);
}
