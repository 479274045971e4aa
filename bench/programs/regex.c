// Regular expressions, by backtracking: calls that depend on data, short loops over characters, many
// mispredicted branches. Patterns know literals, '.', [a-z] sets, groups, alternatives and * + ?.
#include "program.h"

enum Kind { kLiteral, kAny, kSet, kSplit, kJump, kMatch };

struct Instruction {
  enum Kind kind;
  uint8_t character, set[32];
  int first, second;  // of a jump or a split; a split tries the first one first
};

enum { kInstructions = 128, kText = 16 * 1024 };

struct Compiler {
  const char* at;
  struct Instruction code[kInstructions];
  int count;
};

static int emit(struct Compiler* c, enum Kind kind) {
  if (c->count == kInstructions) abort();
  c->code[c->count] = (struct Instruction){.kind = kind};
  return c->count++;
}

// Makes room for one instruction before `where`, which nothing but what follows it refers to.
static void insert_split(struct Compiler* c, int where) {
  emit(c, kSplit);
  memmove(&c->code[where + 1], &c->code[where], (size_t)(c->count - 1 - where) * sizeof *c->code);
  c->code[where] = (struct Instruction){.kind = kSplit};
  for (int i = where + 1; i < c->count; ++i) {
    c->code[i].first += c->code[i].kind == kSplit || c->code[i].kind == kJump;
    c->code[i].second += c->code[i].kind == kSplit;
  }
}

static void compile_alternatives(struct Compiler* c);

static void compile_set(struct Compiler* c) {
  struct Instruction* set = &c->code[emit(c, kSet)];
  for (++c->at; *c->at != ']'; ++c->at) {
    const uint8_t low = (uint8_t)*c->at, high = c->at[1] == '-' ? (uint8_t) * (c->at += 2) : low;
    for (unsigned i = low; i <= high; ++i) set->set[i / 8] |= (uint8_t)(1u << i % 8);
  }
  ++c->at;
}

static void compile_atom(struct Compiler* c) {
  if (*c->at == '[') return compile_set(c);
  if (*c->at == '(') {
    ++c->at;
    compile_alternatives(c);
    ++c->at;  // the closing one
    return;
  }
  const int literal = emit(c, *c->at == '.' ? kAny : kLiteral);
  c->code[literal].character = (uint8_t)*c->at++;
}

static void compile_repeated(struct Compiler* c) {
  const int start = c->count;
  compile_atom(c);
  const char repeat = *c->at;
  if (repeat == 0 || strchr("*+?", repeat) == NULL) return;
  ++c->at;
  if (repeat == '+') {
    const int split = emit(c, kSplit);
    c->code[split].first = start;
    c->code[split].second = split + 1;
    return;
  }
  insert_split(c, start);
  if (repeat == '*') c->code[emit(c, kJump)].first = start;
  c->code[start].first = start + 1;
  c->code[start].second = c->count;
}

static void compile_alternatives(struct Compiler* c) {
  const int start = c->count;
  while (*c->at != 0 && *c->at != '|' && *c->at != ')') compile_repeated(c);
  if (*c->at != '|') return;
  ++c->at;
  insert_split(c, start);
  const int jump = emit(c, kJump);
  c->code[start].first = start + 1;
  c->code[start].second = jump + 1;
  compile_alternatives(c);
  c->code[jump].first = c->count;
}

static void compile(struct Compiler* c, const char* pattern) {
  *c = (struct Compiler){.at = pattern};
  compile_alternatives(c);
  emit(c, kMatch);
}

// The end of the match that starts at `text`, or NULL.
static const char* match(const struct Instruction* code, int at, const char* text) {
  for (;; ++at) {
    const struct Instruction* i = &code[at];
    const uint8_t c = (uint8_t)*text;
    switch (i->kind) {
      case kLiteral:
        if (c != i->character) return NULL;
        ++text;
        break;
      case kAny:
        if (c == 0) return NULL;
        ++text;
        break;
      case kSet:
        if ((i->set[c / 8] >> c % 8 & 1) == 0) return NULL;
        ++text;
        break;
      case kSplit: {
        const char* end = match(code, i->first, text);
        if (end != NULL) return end;
        at = i->second - 1;
        break;
      }
      case kJump:
        at = i->first - 1;
        break;
      case kMatch:
        return text;
    }
  }
}

static uint32_t matches(const struct Instruction* code, const char* text) {
  uint32_t sum = 1;
  for (const char* at = text; *at != 0;) {
    const char* end = match(code, 0, at);
    if (end != NULL && end != at) sum = mix(sum, (uint32_t)(at - text) * 31 + (uint32_t)(end - at));
    at = end != NULL && end != at ? end : at + 1;
  }
  return sum;
}

static uint32_t work(uint32_t scale) {
  static const char* const patterns[] = {"[a-z]+@[a-z]+[.](com|org)", "(ab|a)(bc|c)*d",
                                         "([0-9]+-)+[0-9]+",          "q.*z",
                                         "(0|1|2)(3|4)?[5-9]*x",      "[a-d]*e[f-z]?e"};
  char* text = allocate(kText + 1);
  uint32_t state = 23, sum = 1;
  for (int i = 0; i < kText; ++i) text[i] = "abcdeeqz0123456789-@. x\n"[next_random(&state) % 24];
  text[kText] = 0;
  for (int i = 0; i + 40 < kText; i += 200) memcpy(text + i, "someone@example.org ", 20);
  for (uint32_t i = 0; i < scale; ++i) {
    for (size_t pattern = 0; pattern < sizeof patterns / sizeof *patterns; ++pattern) {
      struct Compiler compiler;
      compile(&compiler, patterns[pattern]);
      sum = mix(sum, matches(compiler.code, text + i % 64 * 8));
    }
  }
  free(text);
  return sum;
}

BENCHMARK("regex", 270)
