#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/digest.h"
#include "base/random.h"

/* A second, plain reading of the published algorithms (Blackman and Vigna; Steele, Lea and Flood for the seeding). */
struct reference {
  uint64_t a, b, c, d;
};

static uint64_t splitmix_ref(uint64_t *x) {
  uint64_t z = (*x += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

static uint64_t xoshiro_ref(struct reference *s) {
  uint64_t five = s->b * 5;
  uint64_t result = ((five << 7) | (five >> 57)) * 9;
  uint64_t t = s->b << 17;
  s->c ^= s->a;
  s->d ^= s->b;
  s->b ^= s->c;
  s->a ^= s->d;
  s->c ^= t;
  s->d = (s->d << 45) | (s->d >> 19);
  return result;
}

static void numbers_match_the_reference(void **unused) {
  (void)unused;
  for (uint64_t seed = 0; seed < 50; seed++) {
    uint64_t x = seed;
    struct reference reference;
    reference.a = splitmix_ref(&x);
    reference.b = splitmix_ref(&x);
    reference.c = splitmix_ref(&x);
    reference.d = splitmix_ref(&x);
    struct random random;
    random_init(&random, seed);
    for (int i = 0; i < 1000; i++) assert_true(random_next(&random) == xoshiro_ref(&reference));
  }
  /* state 1, 2, 3, 4: first outputs by hand from the definition: rotl(2 * 5, 7) * 9 = 11520, then 0 because s[1] becomes 2 ^ 3 ^ 1 = 0 */
  struct random random = {{1, 2, 3, 4}};
  assert_int_equal(random_next(&random), 11520);
  assert_int_equal(random_next(&random), 0);
  /* splitmix64 from 0: the first number of its published sequence */
  random_init(&random, 0);
  assert_true(random.state[0] == 0xe220a8397b1dcdafULL);
}

static void ranges_are_uniform(void **unused) {
  (void)unused;
  struct random random;
  random_init(&random, 61);
  int counts[10] = {0};
  for (int i = 0; i < 1000000; i++) counts[random_below(&random, 10)]++;
  for (int i = 0; i < 10; i++) assert_in_range(counts[i], 98500, 101500); /* five standard deviations; the seed is fixed */
  for (int i = 0; i < 1000; i++) assert_int_equal(random_below(&random, 1), 0);
  uint64_t large = (UINT64_C(1) << 63) + 1;
  for (int i = 0; i < 1000; i++) assert_true(random_below(&random, large) < large);
  double sum = 0.0;
  for (int i = 0; i < 1000000; i++) {
    double unit = random_unit(&random);
    assert_true(unit >= 0.0 && unit < 1.0);
    sum += unit;
  }
  assert_true(fabs(sum / 1e6 - 0.5) < 0.0015);
}

static void normal_numbers_have_their_moments(void **unused) {
  (void)unused;
  struct random random;
  random_init(&random, 62);
  double sum = 0.0, squares = 0.0, fourth = 0.0;
  int beyond_two = 0;
  for (int i = 0; i < 1000000; i++) {
    double x = random_normal(&random);
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
    beyond_two += fabs(x) > 2.0;
  }
  assert_true(fabs(sum / 1e6) < 0.005);
  assert_true(fabs(squares / 1e6 - 1.0) < 0.01);
  assert_true(fabs(fourth / 1e6 - 3.0) < 0.05);
  assert_in_range(beyond_two, 44500, 46500); /* 4.55 % */
}

/* FIPS 180-4 examples; the empty text from NIST's CAVP. */
static void sha256_vectors(void **unused) {
  (void)unused;
  static const struct {
    const char *in, *want;
  } rows[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
  };
  char text[DIGEST_TEXT_MAX];
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    digest_of(rows[i].in, strlen(rows[i].in), text);
    assert_string_equal(text, rows[i].want);
  }
  struct digest digest;
  digest_open(&digest);
  for (int i = 0; i < 1000000; i++) digest_add(&digest, "a", 1);
  digest_read(&digest, text);
  assert_string_equal(text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  digest_close(&digest);
}

static void reading_does_not_end_a_digest(void **unused) {
  (void)unused;
  char text[DIGEST_TEXT_MAX], again[DIGEST_TEXT_MAX];
  struct digest digest;
  digest_open(&digest);
  digest_add(&digest, "a", 1);
  digest_read(&digest, text);
  digest_read(&digest, again);
  assert_string_equal(text, again);
  digest_add(&digest, "bc", 2);
  digest_read(&digest, text);
  assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  digest_close(&digest);
}

static uint32_t crc32c_by_bits(const unsigned char *bytes, size_t size) {
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
  }
  return ~crc;
}

static void crc32c_vectors(void **unused) {
  (void)unused;
  assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
  unsigned char bytes[256] = {0};
  assert_int_equal(crc32c(0, bytes, 32), 0x8a9136aa); /* RFC 3720 B.4: 32 bytes of zeros */
  memset(bytes, 0xff, 32);
  assert_int_equal(crc32c(0, bytes, 32), 0x62a8ab43); /* and of ones */
  struct random random;
  random_init(&random, 63);
  for (int i = 0; i < 2000; i++) {
    for (size_t b = 0; b < sizeof(bytes); b++) bytes[b] = (unsigned char)random_next(&random);
    size_t size = random_below(&random, sizeof(bytes));
    size_t cut = random_below(&random, size + 1);
    assert_int_equal(crc32c(0, bytes, size), crc32c_by_bits(bytes, size));
    assert_int_equal(crc32c_ref(crc32c_ref(0, bytes, cut), bytes + cut, size - cut), crc32c_by_bits(bytes, size));
    assert_int_equal(crc32c(crc32c(0, bytes, cut), bytes + cut, size - cut), crc32c_by_bits(bytes, size));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_match_the_reference),       cmocka_unit_test(ranges_are_uniform),
      cmocka_unit_test(normal_numbers_have_their_moments), cmocka_unit_test(sha256_vectors),
      cmocka_unit_test(reading_does_not_end_a_digest),     cmocka_unit_test(crc32c_vectors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
