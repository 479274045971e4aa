// Bytes and branches, and the C library's string functions: words of a text, counted, compared, searched.
#include "program.h"

enum { kLength = 64 * 1024 };

static char* make_text(void) {
  static const char* const words[] = {"page", "table",  "ring", "translator", "of",
                                      "a",    "shadow", "trap", "the",        "segment"};
  char* text = allocate(kLength + 16);
  size_t length = 0;
  uint32_t state = 13;
  while (length < kLength) {
    const char* word = words[next_random(&state) % 10];
    strcpy(text + length, word);
    length += strlen(word);
    text[length++] = ' ';
  }
  text[kLength] = 0;
  return text;
}

static uint32_t hash_words(const char* text) {
  uint32_t sum = 1, word = 0;
  for (; *text != 0; ++text) {
    if (*text != ' ') {
      word = word * 31 + (uint8_t)*text;
    } else {
      sum = mix(sum, word);
      word = 0;
    }
  }
  return sum;
}

static uint32_t occurrences(const char* text, const char* word) {
  uint32_t count = 0;
  for (; (text = strstr(text, word)) != NULL; ++text) ++count;
  return count;
}

static uint32_t work(uint32_t scale) {
  char* text = make_text();
  uint32_t sum = 1;
  for (uint32_t i = 0; i < scale; ++i) {
    sum = mix(sum, hash_words(text));
    sum = mix(sum, occurrences(text, "trap the ring"));
    sum = mix(sum, strlen(text + (i & 63)));
    for (const char* at = text; (at = strchr(at, 'w')) != NULL; ++at) ++sum;
    text[(i * 7919) % kLength] = (char)('a' + i % 26);
  }
  free(text);
  return sum;
}

BENCHMARK("strings", 2100)
