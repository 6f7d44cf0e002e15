#include "diameter/agent/route_map.h"

#include "engine/base/hash.h"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace farthing::agent {
namespace {

constexpr std::size_t servers_max = 1000;
constexpr std::size_t digits_max = 15;  // E.164 and E.212
constexpr std::size_t sessions_least = 8;
constexpr std::size_t sessions_most = 100'000'000;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_digits(std::string_view text) {
  return !text.empty() && text.size() <= digits_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_host_name(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

std::vector<std::string_view> words_of(std::string_view line) {
  constexpr std::string_view blank = " \t\r";
  line = line.substr(0, line.find('#'));
  std::vector<std::string_view> words;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(blank), line.size()));
    if (line.empty()) return words;
    const std::size_t end = std::min(line.find_first_of(blank), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

}  // namespace

bool is_same_host(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

// Each statement returns what is wrong with it, "" where nothing is.
class RouteMapParser {
 public:
  base::Result<RouteMap, std::string> parse(std::string_view text) {
    for (std::size_t line = 1; !text.empty(); ++line) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string fault = read_statement(words_of(text.substr(0, end)));
      if (!fault.empty()) return "line " + std::to_string(line) + ": " + fault;
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    const std::string fault = check_whole();
    if (!fault.empty()) return fault;
    return std::move(map_);
  }

 private:
  using Words = std::vector<std::string_view>;

  std::string read_statement(const Words& words) {
    if (words.empty()) return "";
    if (words[0] == "realm") return read_realm(words);
    if (words[0] == "sessions") return read_sessions(words);
    if (words[0] == "partition") return read_partition(words);
    if (words[0] == "range") return read_range(words);
    if (words[0] == "hash") return read_hash(words);
    return quoted(words[0]) + " is none of realm, sessions, partition, range, hash";
  }

  std::string read_realm(const Words& words) {
    if (words.size() != 2 || !is_host_name(words[1])) return "expected: realm NAME";
    if (!map_.realm_.empty()) return "realm stands here a second time";
    map_.realm_ = words[1];
    return "";
  }

  std::string read_sessions(const Words& words) {
    std::size_t count = 0;
    if (words.size() == 2) {
      const char* const end = words[1].data() + words[1].size();
      if (std::from_chars(words[1].data(), end, count).ptr != end) count = 0;
    }
    if (count < sessions_least || count > sessions_most) {
      return "expected: sessions COUNT, of 8 to 100000000";
    }
    map_.sessions_max_ = count;
    return "";
  }

  std::string read_partition(const Words& words) {
    if (words.size() < 3) return "expected: partition NAME SERVER [SERVER...]";
    if (partition(words[1])) return "partition " + quoted(words[1]) + " stands here again";
    Partition made{std::string(words[1]), {}};
    for (std::size_t n = 2; n < words.size(); ++n) {
      if (!is_host_name(words[n])) return quoted(words[n]) + " is not a host name";
      std::optional<std::uint16_t> server = map_.server(words[n]);
      if (!server) {
        if (map_.servers_.size() == servers_max) return "more than 1000 servers";
        server = static_cast<std::uint16_t>(map_.servers_.size());
        map_.servers_.emplace_back(words[n]);
      }
      if (std::count(made.servers.begin(), made.servers.end(), *server) != 0) {
        return "server " + quoted(words[n]) + " stands twice in the partition";
      }
      made.servers.push_back(*server);
    }
    if (map_.partitions_.size() == servers_max) return "more than 1000 partitions";
    map_.partitions_.push_back(std::move(made));
    return "";
  }

  std::string read_range(const Words& words) {
    if (words.size() != 5) return "expected: range e164|imsi FIRST LAST PARTITION";
    RouteMap::Owners* const owners = owners_of(words[1]);
    if (owners == nullptr) return quoted(words[1]) + " is neither e164 nor imsi";
    if (!is_digits(words[2]) || !is_digits(words[3])) return "a range is of 1 to 15 digits";
    if (words[2].size() != words[3].size() || words[3] < words[2]) {
      return "the last of a range has as many digits as the first, and is not below it";
    }
    const std::optional<std::uint16_t> owner = partition(words[4]);
    if (!owner) return no_partition(words[4]);
    owners->ranges.push_back({std::string(words[2]), std::string(words[3]), *owner});
    return "";
  }

  std::string read_hash(const Words& words) {
    if (words.size() < 3) return "expected: hash e164|imsi PARTITION [PARTITION...]";
    RouteMap::Owners* const owners = owners_of(words[1]);
    if (owners == nullptr) return quoted(words[1]) + " is neither e164 nor imsi";
    if (!owners->hashed.empty()) return "hash " + std::string(words[1]) + " stands here again";
    for (std::size_t n = 2; n < words.size(); ++n) {
      const std::optional<std::uint16_t> owner = partition(words[n]);
      if (!owner) return no_partition(words[n]);
      owners->hashed.push_back(*owner);
    }
    return "";
  }

  std::string check_whole() {
    if (map_.realm_.empty()) return "no realm is named: add a line \"realm NAME\"";
    if (map_.partitions_.empty()) return "no partition is named: add \"partition NAME SERVER\"";
    for (RouteMap::Owners& owners : map_.owners_) {
      auto& ranges = owners.ranges;
      std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) {
        return std::tuple(a.first.size(), std::string_view(a.first)) <
               std::tuple(b.first.size(), std::string_view(b.first));
      });
      for (std::size_t n = 1; n < ranges.size(); ++n) {
        if (ranges[n].first.size() == ranges[n - 1].first.size() &&
            ranges[n].first <= ranges[n - 1].last) {
          return "the ranges from " + ranges[n - 1].first + " and from " + ranges[n].first +
                 " overlap";
        }
      }
    }
    return "";
  }

  RouteMap::Owners* owners_of(std::string_view kind) {
    if (kind == "e164") return &map_.owners_[static_cast<std::size_t>(IdentityKind::e164)];
    if (kind == "imsi") return &map_.owners_[static_cast<std::size_t>(IdentityKind::imsi)];
    return nullptr;
  }

  std::optional<std::uint16_t> partition(std::string_view name) const {
    for (std::size_t n = 0; n < map_.partitions_.size(); ++n) {
      if (map_.partitions_[n].name == name) return static_cast<std::uint16_t>(n);
    }
    return std::nullopt;
  }
  static std::string no_partition(std::string_view name) {
    return "no partition " + quoted(name) + " stands above";
  }

  RouteMap map_;
};

base::Result<RouteMap, std::string> RouteMap::parse(std::string_view text) {
  return RouteMapParser().parse(text);
}

std::optional<std::uint16_t> RouteMap::server(std::string_view name) const {
  for (std::size_t n = 0; n < servers_.size(); ++n) {
    if (is_same_host(servers_[n], name)) return static_cast<std::uint16_t>(n);
  }
  return std::nullopt;
}

const Partition* RouteMap::owner(IdentityKind kind, std::string_view digits) const {
  if (!is_digits(digits)) return nullptr;
  const Owners& owners = owners_[static_cast<std::size_t>(kind)];
  // The last range that begins at or before the digits.
  const auto after =
      std::upper_bound(owners.ranges.begin(), owners.ranges.end(), digits,
                       [](std::string_view value, const Range& range) {
                         return std::tuple(value.size(), value) <
                                std::tuple(range.first.size(), std::string_view(range.first));
                       });
  if (after != owners.ranges.begin()) {
    const Range& range = *std::prev(after);
    if (range.first.size() == digits.size() && digits <= range.last) {
      return &partitions_[range.partition];
    }
  }
  if (owners.hashed.empty()) return nullptr;
  return &partitions_[owners.hashed[base::hash64(digits) % owners.hashed.size()]];
}

}  // namespace farthing::agent
