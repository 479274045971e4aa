// What SSE2 does to pixels and samples: averages, sums of differences, saturating mixes, packed
// multiplications, and a filter of doubles. The order of every floating-point operation is given, so its
// result is the same everywhere.

// cflags: -msse2
#include <emmintrin.h>

#include "program.h"

enum { kBytes = 64 * 1024, kDoubles = 4096 };

static __m128i load(const uint8_t* at) { return _mm_loadu_si128((const __m128i*)at); }

static uint32_t fold(__m128i value) {
  uint32_t words[4];
  memcpy(words, &value, sizeof words);
  return mix(mix(mix(mix(1, words[0]), words[1]), words[2]), words[3]);
}

// How far two pictures are apart.
static uint32_t differences(const uint8_t* a, const uint8_t* b) {
  __m128i sum = _mm_setzero_si128();
  for (int i = 0; i < kBytes; i += 16) sum = _mm_add_epi64(sum, _mm_sad_epu8(load(a + i), load(b + i)));
  return fold(sum);
}

static void blend(uint8_t* a, const uint8_t* b, __m128i added) {
  for (int i = 0; i < kBytes; i += 16) {
    const __m128i mean = _mm_avg_epu8(load(a + i), load(b + i));
    const __m128i swapped = _mm_shuffle_epi32(mean, _MM_SHUFFLE(0, 3, 2, 1));
    _mm_storeu_si128((__m128i*)(a + i), _mm_adds_epu8(_mm_xor_si128(swapped, load(b + i)), added));
  }
}

static uint32_t product(const uint8_t* a, const uint8_t* b) {
  __m128i sum = _mm_setzero_si128();
  for (int i = 0; i < kBytes; i += 16) {
    const __m128i low = _mm_unpacklo_epi8(load(a + i), load(b + i));
    sum = _mm_add_epi32(sum, _mm_madd_epi16(_mm_srai_epi16(low, 2), load(b + i)));
    sum = _mm_max_epi16(sum, _mm_slli_epi32(sum, 3));
  }
  return fold(sum);
}

static uint32_t filter(double* samples) {
  __m128d state = _mm_set1_pd(0.25);
  const __m128d kept = _mm_set_pd(0.75, 0.5), taken = _mm_set_pd(0.25, 0.5);
  for (int i = 0; i < kDoubles; i += 2) {
    const __m128d sample = _mm_loadu_pd(samples + i);
    state = _mm_add_pd(_mm_mul_pd(state, kept), _mm_mul_pd(sample, taken));
    _mm_storeu_pd(samples + i, _mm_sqrt_pd(_mm_mul_pd(state, state)));
  }
  return fold(_mm_castpd_si128(state));
}

static uint32_t work(uint32_t scale) {
  uint8_t* a = allocate(kBytes);
  uint8_t* b = allocate(kBytes);
  double* samples = allocate(kDoubles * sizeof *samples);
  uint32_t sum = 1, state = 47;
  for (int i = 0; i < kBytes; ++i) {
    a[i] = (uint8_t)next_random(&state);
    b[i] = (uint8_t)next_random(&state);
  }
  for (int i = 0; i < kDoubles; ++i) samples[i] = (double)(next_random(&state) % 65536) / 1024;
  for (uint32_t i = 0; i < scale; ++i) {
    blend(a, b, _mm_set1_epi8((char)(i & 15)));
    sum = mix(sum, differences(a, b));
    sum = mix(sum, product(a, b));
    sum = mix(sum, filter(samples));
  }
  free(samples);
  free(b);
  free(a);
  return sum;
}

BENCHMARK("sse2", 25000)
