#include "api/access/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static bool parse(const char *text, unsigned char out[16]) {
  static const unsigned char prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (inet_pton(AF_INET6, text, out) == 1) return true;
  memcpy(out, prefix, sizeof prefix);
  return inet_pton(AF_INET, text, out + sizeof prefix) == 1;
}

static bool parse_network(struct network *network, const char *text, size_t length) {
  char copy[ADDRESS_BYTES];
  if (length == 0 || length >= sizeof copy) return false;
  memcpy(copy, text, length);
  copy[length] = '\0';
  char *slash = strchr(copy, '/');
  int64_t bits = 128;
  if (slash != NULL) *slash = '\0';
  bool is_four = strchr(copy, ':') == NULL;
  if (slash != NULL && (!text_parse_i64(slash + 1, &bits) || bits < 0 || bits > (is_four ? 32 : 128))) return false;
  network->bits = (int)(is_four && slash != NULL ? bits + 96 : bits);
  return parse(copy, network->bytes);
}

void networks_parse(struct networks *networks, const char *list) {
  networks->count = 0;
  while (*list != '\0' && networks->count < NETWORKS_MAX) {
    list += strspn(list, ", ");
    size_t length = strcspn(list, ", ");
    if (parse_network(&networks->items[networks->count], list, length)) ++networks->count;
    list += length;
  }
}

static bool lies_in(const struct network *network, const unsigned char bytes[16]) {
  int whole = network->bits / 8;
  int rest = network->bits % 8;
  if (memcmp(network->bytes, bytes, (size_t)whole) != 0) return false;
  return rest == 0 || (network->bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0;
}

bool networks_hold(const struct networks *networks, const char *address) {
  unsigned char bytes[16];
  if (networks->count == 0 || !parse(address, bytes)) return false;
  for (int i = 0; i < networks->count; i++) {
    if (lies_in(&networks->items[i], bytes)) return true;
  }
  return false;
}

void address_of_client(const struct networks *proxies, const char *peer, const char *forwarded, char out[ADDRESS_BYTES]) {
  text_copy(out, ADDRESS_BYTES, peer);
  if (forwarded == NULL || !networks_hold(proxies, peer)) return;
  const char *end = forwarded + strlen(forwarded);
  while (end > forwarded) {
    const char *begin = end;
    while (begin > forwarded && begin[-1] != ',') --begin;
    const char *item = begin + strspn(begin, " \t");
    size_t length = item < end ? strcspn(item, " \t,") : 0;
    char text[ADDRESS_BYTES];
    unsigned char bytes[16];
    if (length == 0 || length >= sizeof text) return;
    memcpy(text, item, length);
    text[length] = '\0';
    if (!parse(text, bytes)) return; /* what a proxy of ours did not write is not believed */
    text_copy(out, ADDRESS_BYTES, text);
    if (!networks_hold(proxies, text)) return;
    end = begin > forwarded ? begin - 1 : forwarded;
  }
}

void address_for_limit(const char *address, char out[ADDRESS_BYTES]) {
  unsigned char bytes[16];
  if (strchr(address, ':') == NULL || inet_pton(AF_INET6, address, bytes) != 1) {
    text_copy(out, ADDRESS_BYTES, address);
    return;
  }
  memset(bytes + 8, 0, 8);
  if (inet_ntop(AF_INET6, bytes, out, ADDRESS_BYTES) == NULL) text_copy(out, ADDRESS_BYTES, address);
}
