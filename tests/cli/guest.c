// A multiboot guest that does what its command line says, word by word; see kWords. It ends with HLT,
// interrupts disabled. What it says goes to COM1.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

enum { kMagic = 0x1BADB002, kFlags = 1 << 1 };  // with a memory map

__attribute__((section(".multiboot"), used)) static const u32 header[3] = {kMagic, kFlags,
                                                                           -(u32)(kMagic + kFlags)};

struct Info {
  u32 flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4], mmap_length,
      mmap_addr;
};
struct Region {
  u32 size;
  u64 base, length;
  u32 type;
} __attribute__((packed));

__asm__(
    ".globl start\n"
    "start: mov $stack_end, %esp\n"
    "  push %ebx\n"
    "  call run\n"
    ".bss\n"
    "  .skip 16384\n"
    "stack_end:\n"
    ".text\n");

static void outb(u16 port, u8 value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static u8 inb(u16 port) {
  u8 value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

enum { kCom1 = 0x3F8 };

static void put(char c) {
  while (!(inb(kCom1 + 5) & 0x20)) {
  }
  outb(kCom1, (u8)c);
}
static void say(const char* text) {
  while (*text && *text != ' ') put(*text++);
}
static void say_hex(u64 value) {
  for (int shift = 60; shift >= 0; shift -= 4) put("0123456789abcdef"[value >> shift & 15]);
}

static u32 number(const char* text) {
  u32 value = 0;
  while (*text >= '0' && *text <= '9') value = value * 10 + (u32)(*text++ - '0');
  return value;
}

// Writes and reads back the first and the last word of RAM, and each MiB between.
static int works(u64 base, u64 length) {
  for (u64 a = base; a < base + length; a += 1 << 20) *(volatile u32*)(u32)a = (u32)a ^ 0x5AA5A55A;
  volatile u32* last = (volatile u32*)(u32)(base + length - 4);
  *last = 0x12345678;
  for (u64 a = base; a < base + length; a += 1 << 20)
    if (*(volatile u32*)(u32)a != ((u32)a ^ 0x5AA5A55A)) return 0;
  return *last == 0x12345678;
}

// What the loader left may lie in the memory that is tried out: it is copied before.
static u32 ram_regions(const struct Info* info, struct Region* regions, u32 room) {
  u32 count = 0;
  for (u32 at = info->mmap_addr; at < info->mmap_addr + info->mmap_length && count < room;) {
    const struct Region* region = (const struct Region*)at;
    if (region->type == 1) regions[count++] = *region;
    at += region->size + 4;
  }
  return count;
}

static void memory(const struct Info* info) {
  struct Region regions[16];
  const u32 count = ram_regions(info, regions, 16);
  u64 top = 0;
  for (u32 n = 0; n < count; n++) {
    const u64 base = regions[n].base, length = regions[n].length;
    say("ram_"), say_hex(base), put('_'), say_hex(length);
    // The first MiB is the firmware's; this program lies from 2 MiB on.
    if (base != 0) say(works(base + (3 << 20), length - (3 << 20)) ? "_works" : "_is_broken");
    put('\n');
    if (base + length > top) top = base + length;
  }
  // Beyond RAM nothing answers, and nothing breaks.
  volatile u32* hole = (volatile u32*)(u32)(top + 4096);
  *hole = 0;
  say("hole_"), say_hex(*hole), put('\n');
}

static void echo(void) {
  say("echoes\n");
  for (;;) {
    if (inb(kCom1 + 5) & 1) put((char)inb(kCom1));
  }
}

enum { kCommandBlock = 0x1F0, kReadSectors = 0x20, kWriteSectors = 0x30, kBusy = 0x80 };

// A command for the second sector of the first disk, up to its data.
static void disk_command(u8 command) {
  const u8 registers[] = {1, 1, 0, 0, 0xE0, command};  // LBA 1
  for (u16 i = 0; i < sizeof registers; i++) outb((u16)(kCommandBlock + 2 + i), registers[i]);
  while (inb(kCommandBlock + 7) & kBusy) {
  }
}

// Fills the sector, and does not wait until that is done.
static void fill_disk(void) {
  disk_command(kWriteSectors);
  for (u32 i = 0; i < 256; i++) __asm__ volatile("outw %0, %1" ::"a"((u16)0x5A5A), "Nd"((u16)kCommandBlock));
}

// Says what the sector begins with, up to a space.
static void disk(void) {
  disk_command(kReadSectors);
  u16 sector[256];
  for (u32 i = 0; i < 256; i++) __asm__ volatile("inw %1, %0" : "=a"(sector[i]) : "Nd"((u16)kCommandBlock));
  say((const char*)sector), put('\n');
}

static void flood(void) {
  for (;;) say("flood\n");
}

static void triple_fault(void) {
  const struct {
    u16 limit;
    u32 base;
  } __attribute__((packed)) no_idt = {0, 0};
  __asm__ volatile("lidt %0; ud2" ::"m"(no_idt));
}

static void idle(void) {
  outb(0x21, 0xFF), outb(0xA1, 0xFF);
  for (;;) __asm__ volatile("sti; hlt");
}

static void spin(void) {
  for (;;) __asm__ volatile("");
}
static void halt(void) { __asm__ volatile("cli; hlt"); }
static void reset_by_keyboard(void) { outb(0x64, 0xFE); }
static void reset_by_cf9(void) { outb(0xCF9, 2), outb(0xCF9, 6); }
static void reset_by_port92(void) { outb(0x92, (u8)(inb(0x92) & ~1)), outb(0x92, (u8)(inb(0x92) | 1)); }

static const struct {
  const char* word;
  void (*act)(void);
} kWords[] = {{"8042", reset_by_keyboard},
              {"cf9", reset_by_cf9},
              {"port92", reset_by_port92},
              {"triple", triple_fault},
              {"halt", halt},
              {"idle", idle},
              {"spin", spin},
              {"flood", flood},
              {"disk", disk},
              {"fill-disk", fill_disk},
              {"echo", echo}};

// Where the rest begins if `text` starts with `prefix`, 0 otherwise.
static const char* after(const char* prefix, const char* text) {
  while (*prefix)
    if (*prefix++ != *text++) return 0;
  return text;
}

static void act(const char* word, const struct Info* info) {
  const char* rest;
  if ((rest = after("say=", word))) say(rest), put('\n');
  if ((rest = after("exit=", word))) outb(0x501, (u8)number(rest));
  if (after("memory", word)) memory(info);
  for (u32 n = 0; n < sizeof kWords / sizeof *kWords; n++)
    if (after(kWords[n].word, word)) kWords[n].act();
}

__attribute__((used)) void run(const struct Info* info) {
  for (const char* word = (const char*)info->cmdline; *word;) {
    act(word, info);
    while (*word && *word != ' ') word++;
    while (*word == ' ') word++;
  }
  for (;;) halt();
}
