// The messages of a recording through simdjson, for bench_l2: the same members, the same exact numbers, the same sums as message_parse takes from
// them. Prints seconds of processor time of the best round and the sums; argument "dom" builds a tree of each message, "ondemand" reads it where it stands.
#include <simdjson.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string_view>
#include <vector>

struct sums {
  int64_t levels, trades, prices, qtys, seqs, times;
};

struct level {
  int64_t price, qty;
};

// What a message holds, as message_parse leaves it: levels in arrays that are used again.
struct taken {
  std::vector<level> bids, asks;
  int64_t price, qty, seqs, time;
  bool is_trade;
};

// Digits, at most one point, at most 8 places, up to the quote: in 1e-8. Anything else is refused, as message_parse does.
static int64_t decimal(const char *p) {
  static const int64_t scales[] = {100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
  const char *begin = p;
  int64_t value = 0, out;
  int places = 0;
  for (; static_cast<unsigned>(*p) - '0' < 10; p++) value = value * 10 + (*p - '0');
  bool is_good = p > begin && p - begin < 12;
  if (*p == '.') {
    for (p++; static_cast<unsigned>(*p) - '0' < 10; p++, places++) value = value * 10 + (*p - '0');
  }
  is_good = is_good && *p == '"' && places <= 8 && !__builtin_mul_overflow(value, scales[places], &out);
  if (!is_good) throw std::runtime_error("not a decimal");
  return out;
}

static void add(const taken &taken, sums *sums) {
  for (const level &level : taken.bids) sums->prices += level.price, sums->qtys += level.qty;
  for (const level &level : taken.asks) sums->prices += level.price, sums->qtys += level.qty;
  sums->levels += static_cast<int64_t>(taken.bids.size() + taken.asks.size());
  sums->seqs += taken.seqs;
  sums->times += taken.time;
  if (!taken.is_trade) return;
  sums->trades++;
  sums->prices += taken.price;
  sums->qtys += taken.qty;
}

namespace demand {
using namespace simdjson::ondemand;

static void read_levels(value side, std::vector<level> *levels) {
  json_type type = side.type();
  if (type != json_type::array) return;  // best quotes have a price here
  for (auto item : side.get_array()) {
    auto pair = item.get_array().begin();
    const int64_t price = decimal((*pair).get_raw_json_string().value().raw());
    ++pair;
    const int64_t qty = decimal((*pair).get_raw_json_string().value().raw());
    ++pair;
    levels->push_back({price, qty});
  }
}

static void read_object(object object, taken *taken) {
  for (auto field : object) {
    const char *key = field.key().value().raw();
    if (key[1] != '"') {
      if (memcmp(key, "data\"", 5) == 0) {
        read_object(field.value().get_object(), taken);
      } else if (memcmp(key, "bids\"", 5) == 0 || memcmp(key, "asks\"", 5) == 0) {
        read_levels(field.value(), key[0] == 'b' ? &taken->bids : &taken->asks);
      } else if (memcmp(key, "pu\"", 3) == 0 || memcmp(key, "lastUpdateId\"", 13) == 0) {
        taken->seqs += field.value().get_int64();
      }
      continue;
    }
    switch (key[0]) {
      case 'e':
        taken->is_trade = memcmp(field.value().get_raw_json_string().value().raw(), "trade\"", 6) == 0;
        break;
      case 'E':
        taken->time = field.value().get_int64();
        break;
      case 'U':
      case 'u':
        taken->seqs += field.value().get_int64();
        break;
      case 'b':
      case 'a':
        read_levels(field.value(), key[0] == 'b' ? &taken->bids : &taken->asks);
        break;
      case 'p':
        taken->price = decimal(field.value().get_raw_json_string().value().raw());
        break;
      case 'q':
        taken->qty = decimal(field.value().get_raw_json_string().value().raw());
        break;
      default:
        break;
    }
  }
}

static void read(parser &parser, const char *text, size_t length, taken *taken) {
  document document = parser.iterate(text, length, length + simdjson::SIMDJSON_PADDING);
  read_object(document.get_object(), taken);
}
}  // namespace demand

namespace tree {
using namespace simdjson::dom;

// Strings of the tree end with a NUL where the text has a quote.
static int64_t decimal_of(element value) {
  const std::string_view text = value;
  char copy[32];
  if (text.size() > sizeof copy - 2) throw std::runtime_error("not a decimal");
  memcpy(copy, text.data(), text.size());
  copy[text.size()] = '"';
  copy[text.size() + 1] = '\0';
  return decimal(copy);
}

static void read_levels(element side, std::vector<level> *levels) {
  if (!side.is_array()) return;
  for (element item : side.get_array()) levels->push_back({decimal_of(item.at(0)), decimal_of(item.at(1))});
}

static void read_object(object object, taken *taken) {
  for (key_value_pair field : object) {
    if (field.key == "data") {
      read_object(field.value.get_object(), taken);
    } else if (field.key == "bids" || field.key == "asks" || field.key == "b" || field.key == "a") {
      read_levels(field.value, field.key[0] == 'b' ? &taken->bids : &taken->asks);
    } else if (field.key == "pu" || field.key == "lastUpdateId" || field.key == "U" || field.key == "u") {
      taken->seqs += field.value.get_int64();
    } else if (field.key == "E") {
      taken->time = field.value.get_int64();
    } else if (field.key == "e") {
      taken->is_trade = std::string_view(field.value) == "trade";
    } else if (field.key == "p") {
      taken->price = decimal_of(field.value);
    } else if (field.key == "q") {
      taken->qty = decimal_of(field.value);
    }
  }
}

static void read(parser &parser, const char *text, size_t length, taken *taken) { read_object(parser.parse(text, length, false).get_object(), taken); }
}  // namespace tree

int main(int argc, char **argv) {
  constexpr int rounds = 7;
  if (argc != 3) return 64;
  const bool is_tree = strcmp(argv[2], "dom") == 0;
  simdjson::padded_string text = simdjson::padded_string::load(argv[1]);
  simdjson::ondemand::parser parser;
  simdjson::dom::parser tree_parser;
  double best = 1e9;
  sums sums{};
  taken taken{};
  for (int round = 0; round < rounds; round++) {
    sums = {};
    const std::clock_t begin = std::clock();
    const char *end = text.data() + text.size();
    for (const char *line = text.data(); line < end;) {
      const char *stop = static_cast<const char *>(memchr(line, '\n', static_cast<size_t>(end - line)));
      taken.bids.clear();
      taken.asks.clear();
      taken.seqs = taken.time = 0;
      taken.is_trade = false;
      if (is_tree) {
        tree::read(tree_parser, line, static_cast<size_t>(stop - line), &taken);
      } else {
        demand::read(parser, line, static_cast<size_t>(stop - line), &taken);
      }
      add(taken, &sums);
      line = stop + 1;
    }
    const double took = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    if (took < best) best = took;
  }
  printf("%.6f %lld %lld %lld %lld %lld %lld\n", best, static_cast<long long>(sums.levels), static_cast<long long>(sums.trades),
         static_cast<long long>(sums.prices), static_cast<long long>(sums.qtys), static_cast<long long>(sums.seqs), static_cast<long long>(sums.times));
  return 0;
}
