/* winograd.c: a prototype that says what exact Winograd convolutions of bytes
 * would gain on AVX2, before anything is built on them. F(2x2, 3x3) with integers
 * (Lavin and Gray, 2016): the filter's transform times 4 has whole numbers of 16
 * bits, so has the input's, products are summed in 32 bits by vpmaddwd, and the
 * sum by 4 is exact. Beside it the direct product with vpmaddubsw, which saturates
 * here as OpenVINO's does. Results are compared with a plain loop (the filter has 6
 * bits, so that nothing saturates).
 * usage: cc -O2 -mavx2 winograd.c && ./a.out [ROUNDS]
 * Figures: docs/Benchmarks.md. */
#define _GNU_SOURCE
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 6, COLUMNS = 16 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void *allocate(size_t bytes) {
  void *p = aligned_alloc(64, (bytes + 4095) / 4096 * 4096);
  memset(p, 0, (bytes + 4095) / 4096 * 4096);
  return p;
}

/* The sums of `rows` rows of words, pairs along the depth, by 16 columns. */
static inline __attribute__((always_inline)) void
words_tile(const int16_t *a, int64_t lda, const int16_t *b, int32_t *c,
           int64_t ldc, int64_t pairs, const int rows) {
  __m256i s[ROWS][2];
  for (int r = 0; r < rows; ++r)
    s[r][0] = s[r][1] = _mm256_setzero_si256();
  for (int64_t k = 0; k < pairs; ++k) {
    __m256i b0 = _mm256_load_si256((const __m256i *)(b + k * 32));
    __m256i b1 = _mm256_load_si256((const __m256i *)(b + k * 32 + 16));
#pragma GCC unroll 6
    for (int r = 0; r < rows; ++r) {
      int32_t pair;
      memcpy(&pair, a + r * lda + 2 * k, 4);
      __m256i x = _mm256_set1_epi32(pair);
      s[r][0] = _mm256_add_epi32(s[r][0], _mm256_madd_epi16(x, b0));
      s[r][1] = _mm256_add_epi32(s[r][1], _mm256_madd_epi16(x, b1));
    }
  }
  for (int r = 0; r < rows; ++r) {
    _mm256_storeu_si256((__m256i *)(c + r * ldc), s[r][0]);
    _mm256_storeu_si256((__m256i *)(c + r * ldc + 8), s[r][1]);
  }
}

static void words(const int16_t *a, int64_t lda, const int16_t *b, int32_t *c,
                  int64_t ldc, int64_t rows, int64_t pairs) {
  int64_t r = 0;
  for (; r + 6 <= rows; r += 6)
    words_tile(a + r * lda, lda, b, c + r * ldc, ldc, pairs, 6);
  for (; r + 2 <= rows; r += 2)
    words_tile(a + r * lda, lda, b, c + r * ldc, ldc, pairs, 2);
  for (; r < rows; ++r)
    words_tile(a + r * lda, lda, b, c + r * ldc, ldc, pairs, 1);
}

static inline __m256i load_words(const uint8_t *x) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)x));
}

/* B^T d B of the tiles of one row of tiles: v[16][tiles][c]. */
static void transform_input(const uint8_t *x, int64_t pitch, int64_t c,
                            int64_t tiles, int16_t *v, int64_t plane) {
  for (int64_t t = 0; t < tiles; ++t)
    for (int64_t k = 0; k < c; k += 16) {
      const uint8_t *from = x + 2 * t * c + k;
      __m256i d[4][4];
      for (int j = 0; j < 4; ++j) {
        __m256i r[4];
        for (int i = 0; i < 4; ++i)
          r[i] = load_words(from + i * pitch + j * c);
        d[0][j] = _mm256_sub_epi16(r[0], r[2]);
        d[1][j] = _mm256_add_epi16(r[1], r[2]);
        d[2][j] = _mm256_sub_epi16(r[2], r[1]);
        d[3][j] = _mm256_sub_epi16(r[1], r[3]);
      }
      for (int i = 0; i < 4; ++i) {
        int16_t *to = v + 4 * i * plane + t * c + k;
        _mm256_storeu_si256((__m256i *)to, _mm256_sub_epi16(d[i][0], d[i][2]));
        _mm256_storeu_si256((__m256i *)(to + plane),
                            _mm256_add_epi16(d[i][1], d[i][2]));
        _mm256_storeu_si256((__m256i *)(to + 2 * plane),
                            _mm256_sub_epi16(d[i][2], d[i][1]));
        _mm256_storeu_si256((__m256i *)(to + 3 * plane),
                            _mm256_sub_epi16(d[i][1], d[i][3]));
      }
    }
}

/* Requantization as a stand-in for an epilogue: 8 sums to bytes. */
static inline void finish(__m256i sums, uint8_t *y, __m256 scale) {
  __m256 f = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale);
  f = _mm256_min_ps(_mm256_max_ps(f, _mm256_setzero_ps()),
                    _mm256_set1_ps(255));
  __m256i q = _mm256_cvtps_epi32(f);
  __m128i w = _mm_packus_epi32(_mm256_castsi256_si128(q),
                               _mm256_extracti128_si256(q, 1));
  _mm_storel_epi64((__m128i *)y, _mm_packus_epi16(w, w));
}

/* A^T m A of one row of tiles, columns `first` to `first` + 16. */
static void transform_output(const int32_t *m, int64_t plane, int64_t tiles,
                             uint8_t *y, int64_t pitch, int64_t n,
                             int64_t high, int64_t wide, __m256 scale) {
  for (int64_t t = 0; t < tiles; ++t)
    for (int64_t k = 0; k < COLUMNS; k += 8) {
      const int32_t *from = m + t * COLUMNS + k;
      __m256i r[2][4];
      for (int j = 0; j < 4; ++j) {
        __m256i a[4];
        for (int i = 0; i < 4; ++i)
          a[i] = _mm256_load_si256(
              (const __m256i *)(from + (4 * i + j) * plane));
        r[0][j] = _mm256_add_epi32(_mm256_add_epi32(a[0], a[1]), a[2]);
        r[1][j] = _mm256_sub_epi32(_mm256_sub_epi32(a[1], a[2]), a[3]);
      }
      for (int i = 0; i < 2 && i < high; ++i) {
        __m256i left = _mm256_add_epi32(_mm256_add_epi32(r[i][0], r[i][1]),
                                        r[i][2]);
        __m256i right = _mm256_sub_epi32(_mm256_sub_epi32(r[i][1], r[i][2]),
                                         r[i][3]);
        uint8_t *to = y + i * pitch + 2 * t * n + k;
        finish(_mm256_srai_epi32(left, 2), to, scale);
        if (2 * t + 1 < wide)
          finish(_mm256_srai_epi32(right, 2), to + n, scale);
      }
    }
}

struct Layer {
  int64_t size, c, n;
};

/* Rows of tiles that are transformed and multiplied at once. */
static int64_t strip_rows(const struct Layer *l) {
  int64_t tiles = (l->size + 1) / 2, rows = 1;
  while (rows < tiles && 16 * (rows + 1) * tiles * l->c * 2 <= 384 << 10)
    ++rows;
  return rows;
}

static void winograd(const struct Layer *l, const uint8_t *x, const int16_t *u,
                     int16_t *v, int32_t *m, uint8_t *y, __m256 scale) {
  int64_t tiles = (l->size + 1) / 2, wide = 2 * tiles + 2;
  int64_t pitch = wide * l->c, strip = strip_rows(l);
  for (int64_t first = 0; first < tiles; first += strip) {
    int64_t rows = tiles - first < strip ? tiles - first : strip;
    int64_t count = rows * tiles;
    for (int64_t r = 0; r < rows; ++r)
      transform_input(x + 2 * (first + r) * pitch, pitch, l->c, tiles,
                      v + r * tiles * l->c, count * l->c);
    for (int64_t block = 0; block < l->n / COLUMNS; ++block) {
      for (int p = 0; p < 16; ++p)
        words(v + p * count * l->c, l->c,
              u + (block * 16 + p) * l->c * COLUMNS, m + p * count * COLUMNS,
              COLUMNS, count, l->c / 2);
      for (int64_t r = 0; r < rows; ++r) {
        int64_t row = 2 * (first + r);
        transform_output(m + r * tiles * COLUMNS, count * COLUMNS, tiles,
                         y + row * l->size * l->n + block * COLUMNS,
                         l->size * l->n, l->n, l->size - row, l->size, scale);
      }
    }
  }
}

/* 5 output positions by 16 columns, 3 instructions for 4 products. */
static inline __attribute__((always_inline)) void
bytes_tile(const uint8_t *x, int64_t pitch, const int8_t *w, int64_t c,
           const int rows, __m256i s[5][2]) {
  const __m256i ones = _mm256_set1_epi16(1);
  for (int r = 0; r < rows; ++r)
    s[r][0] = s[r][1] = _mm256_setzero_si256();
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t k = 0; k < 3 * c; k += 4) {
      __m256i b0 = _mm256_load_si256((const __m256i *)w);
      __m256i b1 = _mm256_load_si256((const __m256i *)(w + 32));
      w += 64;
#pragma GCC unroll 5
      for (int r = 0; r < rows; ++r) {
        int32_t group;
        memcpy(&group, x + i * pitch + r * c + k, 4);
        __m256i a = _mm256_set1_epi32(group);
        s[r][0] = _mm256_add_epi32(
            s[r][0], _mm256_madd_epi16(_mm256_maddubs_epi16(a, b0), ones));
        s[r][1] = _mm256_add_epi32(
            s[r][1], _mm256_madd_epi16(_mm256_maddubs_epi16(a, b1), ones));
      }
    }
}

static void direct(const struct Layer *l, const uint8_t *x, const int8_t *w,
                   uint8_t *y, __m256 scale) {
  int64_t wide = 2 * ((l->size + 1) / 2) + 2, pitch = wide * l->c;
  for (int64_t block = 0; block < l->n / COLUMNS; ++block) {
    const int8_t *panel = w + block * 9 * l->c * COLUMNS;
    for (int64_t row = 0; row < l->size; ++row)
      for (int64_t col = 0; col < l->size;) {
        __m256i s[5][2];
        const uint8_t *from = x + row * pitch + col * l->c;
        int64_t count = l->size - col < 5 ? l->size - col : 5;
        switch (count) {
        case 5: bytes_tile(from, pitch, panel, l->c, 5, s); break;
        case 4: bytes_tile(from, pitch, panel, l->c, 4, s); break;
        case 3: bytes_tile(from, pitch, panel, l->c, 3, s); break;
        case 2: bytes_tile(from, pitch, panel, l->c, 2, s); break;
        default: bytes_tile(from, pitch, panel, l->c, 1, s); break;
        }
        for (int64_t r = 0; r < count; ++r)
          for (int h = 0; h < 2; ++h)
            finish(s[r][h],
                   y + (row * l->size + col + r) * l->n + block * COLUMNS +
                       8 * h,
                   scale);
        col += count;
      }
  }
}

static void measure(const struct Layer *l, int rounds) {
  int64_t tiles = (l->size + 1) / 2, wide = 2 * tiles + 2;
  uint8_t *x = allocate(wide * wide * l->c + 64);
  int8_t *w = allocate(9 * l->c * l->n), *packed = allocate(9 * l->c * l->n);
  int16_t *u = allocate(16 * l->c * l->n * 2);
  int16_t *v = allocate(16 * tiles * tiles * l->c * 2 + 64);
  int32_t *m = allocate(16 * tiles * tiles * COLUMNS * 4);
  uint8_t *y = allocate(l->size * l->size * l->n + 64),
          *z = allocate(l->size * l->size * l->n + 64);
  for (int64_t i = 1; i <= l->size; ++i)
    for (int64_t j = 1; j <= l->size; ++j)
      for (int64_t k = 0; k < l->c; ++k)
        x[(i * wide + j) * l->c + k] = rand() & 255;
  for (int64_t i = 0; i < 9 * l->c * l->n; ++i) /* [3][3][c][n] */
    w[i] = (rand() & 63) - 32;
  for (int64_t k = 0; k < l->c; ++k)
    for (int64_t o = 0; o < l->n; ++o) {
      int g[3][3], t[4][3];
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) {
          g[i][j] = w[((i * 3 + j) * l->c + k) * l->n + o];
          packed[((o / 16) * 9 * l->c + (i * 3 + j) * l->c + k / 4 * 4) * 16 +
                 o % 16 * 4 + k % 4] = g[i][j];
        }
      for (int j = 0; j < 3; ++j) {
        t[0][j] = 2 * g[0][j];
        t[1][j] = g[0][j] + g[1][j] + g[2][j];
        t[2][j] = g[0][j] - g[1][j] + g[2][j];
        t[3][j] = 2 * g[2][j];
      }
      for (int i = 0; i < 4; ++i) {
        int e[4] = {2 * t[i][0], t[i][0] + t[i][1] + t[i][2],
                    t[i][0] - t[i][1] + t[i][2], 2 * t[i][2]};
        for (int j = 0; j < 4; ++j)
          u[(((o / 16) * 16 + 4 * i + j) * l->c + k / 2 * 2) * 16 +
            o % 16 * 2 + k % 2] = e[j];
      }
    }
  __m256 scale = _mm256_set1_ps(1.0f / (l->c * 9.0f));
  double best[2] = {1e9, 1e9};
  for (int r = 0; r < rounds; ++r) {
    double a = now();
    winograd(l, x, u, v, m, y, scale);
    double b = now();
    direct(l, x, packed, z, scale);
    double c = now();
    best[0] = b - a < best[0] ? b - a : best[0];
    best[1] = c - b < best[1] ? c - b : best[1];
  }
  int64_t wrong = 0;
  for (int64_t i = 0; i < l->size * l->size * l->n; ++i)
    wrong += y[i] != z[i];
  int64_t plain = 0, at = (l->size / 2 * l->size + l->size / 3) * l->n + 5;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      for (int64_t k = 0; k < l->c; ++k)
        plain += x[((l->size / 2 + i) * wide + l->size / 3 + j) * l->c + k] *
                 w[((i * 3 + j) * l->c + k) * l->n + 5];
  float f = plain * (1.0f / (l->c * 9.0f));
  int expected = f < 0 ? 0 : f > 255 ? 255 : (int)__builtin_rintf(f);
  printf("%3ldx%-3ld %3ld->%-3ld  winograd %7.1f us  direct %7.1f us  %.2f  "
         "%ld differ, one is %d of %d\n",
         (long)l->size, (long)l->size, (long)l->c, (long)l->n, best[0] * 1e6,
         best[1] * 1e6, best[1] / best[0], (long)wrong, y[at], expected);
}

int main(int count, char **arguments) {
  static const struct Layer layers[] = {
      {56, 64, 64}, {28, 128, 128}, {14, 256, 256}, {7, 512, 512}, {13, 96, 48}};
  int rounds = count > 1 ? atoi(arguments[1]) : 50;
  for (size_t i = 0; i < sizeof(layers) / sizeof(*layers); ++i)
    measure(&layers[i], rounds);
  return 0;
}
