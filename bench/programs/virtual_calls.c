// Calls through tables of functions, as of objects of many classes: the target depends on the object at hand.
#include "program.h"

struct Shape;

struct Class {
  uint32_t (*area)(const struct Shape*);
  void (*grow)(struct Shape*, uint32_t);
  uint32_t (*hash)(const struct Shape*, uint32_t);
};

struct Shape {
  const struct Class* class;
  uint32_t a, b;
};

static uint32_t square_area(const struct Shape* s) { return s->a * s->a; }
static uint32_t oblong_area(const struct Shape* s) { return s->a * s->b; }
static uint32_t triangle_area(const struct Shape* s) { return s->a * s->b / 2; }
static uint32_t circle_area(const struct Shape* s) { return s->a * s->a * 22 / 7; }
static void grow_one(struct Shape* s, uint32_t by) { s->a = (s->a + by) & 0xfff; }
static void grow_both(struct Shape* s, uint32_t by) {
  s->a = (s->a + by) & 0xfff;
  s->b = (s->b + s->a) & 0xfff;
}
static uint32_t hash_one(const struct Shape* s, uint32_t sum) { return mix(sum, s->a); }
static uint32_t hash_both(const struct Shape* s, uint32_t sum) { return mix(mix(sum, s->a), s->b); }

static const struct Class classes[] = {
    {square_area, grow_one, hash_one},    {oblong_area, grow_both, hash_both},
    {triangle_area, grow_both, hash_one}, {circle_area, grow_one, hash_both},
    {square_area, grow_both, hash_both},  {circle_area, grow_both, hash_one},
};

enum { kShapes = 1000 };

static uint32_t work(uint32_t scale) {
  struct Shape* shapes = allocate(kShapes * sizeof *shapes);
  uint32_t state = 41, sum = 1;
  for (int i = 0; i < kShapes; ++i) {
    const struct Class* class = &classes[next_random(&state) % (sizeof classes / sizeof *classes)];
    shapes[i] = (struct Shape){class, next_random(&state) & 0xfff, next_random(&state) & 0xfff};
  }
  for (uint32_t i = 0; i < scale; ++i) {
    for (struct Shape* shape = shapes; shape < shapes + kShapes; ++shape) {
      shape->class->grow(shape, i);
      sum += shape->class->area(shape);
      sum = shape->class->hash(shape, sum);
    }
  }
  free(shapes);
  return sum;
}

BENCHMARK("virtual_calls", 30000)
