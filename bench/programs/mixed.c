// A microcontroller's day in whole numbers: lists are sorted and searched, small matrices of 16 bits
// multiplied, text is read by a state machine, and a CRC is taken of every result.
#include "program.h"

static uint32_t crc16(uint32_t crc, uint32_t value) {
  for (int bit = 0; bit < 16; ++bit, value >>= 1)
    crc = ((crc ^ value) & 1) != 0 ? crc >> 1 ^ 0xa001 : crc >> 1;
  return crc;
}

struct Item {
  struct Item* next;
  int16_t key, value;
};

enum { kItems = 128, kSide = 16, kLine = 256 };

static struct Item* merge(struct Item* a, struct Item* b) {
  struct Item *first = NULL, **last = &first;
  while (a != NULL && b != NULL) {
    struct Item** smaller = a->key <= b->key ? &a : &b;
    *last = *smaller;
    last = &(*smaller)->next;
    *smaller = *last;
  }
  *last = a != NULL ? a : b;
  return first;
}

static struct Item* sorted(struct Item* list) {
  if (list == NULL || list->next == NULL) return list;
  struct Item *middle = list, *end = list->next;
  while (end != NULL && end->next != NULL) {
    middle = middle->next;
    end = end->next->next;
  }
  struct Item* second = middle->next;
  middle->next = NULL;
  return merge(sorted(list), sorted(second));
}

static struct Item* reversed(struct Item* list) {
  struct Item* result = NULL;
  while (list != NULL) {
    struct Item* next = list->next;
    list->next = result;
    result = list;
    list = next;
  }
  return result;
}

static uint32_t lists(uint32_t crc, uint32_t* state) {
  struct Item items[kItems], *list = NULL;
  for (int i = 0; i < kItems; ++i) {
    items[i] = (struct Item){list, (int16_t)next_random(state), (int16_t)i};
    list = &items[i];
  }
  list = reversed(sorted(list));
  for (int wanted = 0; wanted < kItems; wanted += 8) {
    const struct Item* item = list;
    while (item->value != wanted) item = item->next;
    crc = crc16(crc, (uint16_t)item->key);
  }
  return crc;
}

static uint32_t matrices(uint32_t crc, uint32_t* state) {
  int16_t a[kSide][kSide], b[kSide][kSide];
  for (int i = 0; i < kSide * kSide; ++i) {
    a[i / kSide][i % kSide] = (int16_t)(next_random(state) % 512 - 256);
    b[i % kSide][i / kSide] = (int16_t)(next_random(state) % 512 - 256);
  }
  for (int row = 0; row < kSide; ++row) {
    int32_t clipped = 0;
    for (int column = 0; column < kSide; ++column) {
      int32_t sum = 0;
      for (int i = 0; i < kSide; ++i) sum += a[row][i] * b[i][column];
      clipped += sum > 30000 ? 30000 : sum >> (column & 3);
    }
    crc = crc16(crc, (uint32_t)clipped);
  }
  return crc;
}

enum State { kStart, kSign, kWhole, kFraction, kExponent, kWrong, kStates };

static enum State next_state(enum State state, char c) {
  const int digit = c >= '0' && c <= '9';
  switch (state) {
    case kStart:
      return digit ? kWhole : c == '+' || c == '-' ? kSign : c == '.' ? kFraction : kWrong;
    case kSign:
      return digit ? kWhole : c == '.' ? kFraction : kWrong;
    case kWhole:
      return digit ? kWhole : c == '.' ? kFraction : c == 'e' ? kExponent : kWrong;
    case kFraction:
      return digit ? kFraction : c == 'e' ? kExponent : kWrong;
    case kExponent:
      return digit || c == '-' ? kExponent : kWrong;
    case kWrong:
    case kStates:
      break;
  }
  return kWrong;
}

static uint32_t states(uint32_t crc, uint32_t* state) {
  char line[kLine];
  uint32_t ends[kStates] = {0};
  for (int i = 0; i < kLine; ++i) line[i] = "0123456789012345.,,e+-x"[next_random(state) % 23];
  enum State now = kStart;
  for (int i = 0; i < kLine; ++i) {
    if (line[i] == ',') ++ends[now];
    now = line[i] == ',' ? kStart : next_state(now, line[i]);
  }
  for (int i = 0; i < kStates; ++i) crc = crc16(crc, ends[i]);
  return crc;
}

static uint32_t work(uint32_t scale) {
  uint32_t crc = 0xffff, state = 37;
  for (uint32_t i = 0; i < scale; ++i) {
    crc = lists(crc, &state);
    crc = matrices(crc, &state);
    crc = states(crc, &state);
  }
  return mix(1, crc) ^ state;
}

BENCHMARK("mixed", 27000)
