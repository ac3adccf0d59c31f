/* Requests made from the tables of routes and shapes: good ones, and good ones with one thing wrong (every kind of bad input that the API may meet).
 */
#ifndef SUPPORT_REQUEST_MAKER_H
#define SUPPORT_REQUEST_MAKER_H

#include "api/api_state.h"
#include "base/random.h"

enum { MAKER_IDS_MAX = 512, MAKER_ID_BYTES = 96, MAKER_KEY_BYTES = 24 };

/* What replies have shown: a name of a member and its value. */
struct maker_id {
  char key[MAKER_KEY_BYTES];
  char value[MAKER_ID_BYTES];
};

struct request_maker {
  struct random random;
  struct maker_id ids[MAKER_IDS_MAX];
  int id_count;
  struct buffer preset; /* a whole preset as JSON, for members named config; owned */
};

void request_maker_init(struct request_maker *maker, uint64_t seed);
void request_maker_deinit(struct request_maker *maker);
/* Remembers ids and names of a reply. */
void request_maker_learn(struct request_maker *maker, const struct json *reply);

/* True once in `of`. */
bool maker_is_once_in(struct request_maker *maker, unsigned of);
const char *maker_pick(struct request_maker *maker, const char *const *words, size_t count);
#define MAKER_PICK(maker, words) maker_pick(maker, words, sizeof(words) / sizeof(words)[0])

/* The path with ids that were seen; is_wrong: with what is no id, or with a broken path. */
void maker_add_path(struct request_maker *maker, const struct route *route, bool is_wrong, struct buffer *out);
/* "?a=b&..." or nothing; is_wrong: unknown, doubled, out of bounds, forged. */
void maker_add_query(struct request_maker *maker, const struct route *route, bool is_wrong, struct buffer *out);
/* A body that the shape accepts; is_wrong: with one thing wrong, in a member or as a whole. */
void maker_add_body(struct request_maker *maker, enum shape_id shape, bool is_wrong, struct buffer *out);

#endif
