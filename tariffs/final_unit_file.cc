#include "tariffs/final_unit_file.h"

#include "tariffs/explain.h"
#include "tariffs/tariff_values.h"
#include "tariffs/yaml_scalar.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace farthing::tariffs {
namespace {

using std::chrono::seconds;

constexpr std::size_t text_size_max = 255;
constexpr std::size_t filters_max = 16;  // of each kind
constexpr seconds ask_again_max{86'400};

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

// The address as it is sent, with its type.
std::optional<std::pair<FinalPart, std::string>> redirect_address(const std::string& text) {
  in6_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) == 1) return std::pair(FinalPart::ipv4, text);
  if (inet_pton(AF_INET6, text.c_str(), &address) == 1) {
    std::array<char, INET6_ADDRSTRLEN> canonical{};  // RFC 5952
    inet_ntop(AF_INET6, &address, canonical.data(), canonical.size());
    return std::pair(FinalPart::ipv6, std::string(canonical.data()));
  }
  const auto is = [&text](std::string_view scheme) {
    return text.size() > scheme.size() && text.starts_with(scheme);
  };
  if (text.find(' ') != std::string::npos) return std::nullopt;
  if (is("http://") || is("https://")) return std::pair(FinalPart::url, text);
  if (is("sip:") || is("sips:")) return std::pair(FinalPart::sip_uri, text);
  return std::nullopt;
}

// IPFilterRule (RFC 6733 4.3.1): looked at no further than that it is one at all.
bool is_filter(std::string_view text) {
  const bool acts = text.starts_with("permit in ") || text.starts_with("permit out ") ||
                    text.starts_with("deny in ") || text.starts_with("deny out ");
  const std::size_t from = text.find(" from ");
  return acts && from != std::string_view::npos &&
         text.find(" to ", from) != std::string_view::npos;
}

std::optional<std::string> read_part(const YamlNode& node, std::string_view what,
                                     FileErrors& errors) {
  std::optional<std::string> text = read_text(node, errors, what);
  if (!text) return std::nullopt;
  if (!text->empty() && text->size() <= text_size_max && is_printable(*text)) return text;
  errors.add(node.position, fmt::format("{} is not fit to be sent", in_quotes(*text)),
             fmt::format("1 to {} printable ASCII characters", text_size_max));
  return std::nullopt;
}

void read_address(YamlMap& map, FinalUnitRule& rule, FileErrors& errors) {
  constexpr std::string_view form = "a URL, a SIP URI or an IP address";
  if (rule.action != FinalAction::redirect) {
    if (map.find("address") != nullptr) {
      errors.add(map.key_position("address"), "nobody is led to this address", "action: redirect");
    }
    return;
  }
  const YamlNode* const node = map.require("address", form);
  if (node == nullptr) return;
  const std::optional<std::string> text = read_part(*node, form, errors);
  if (!text) return;
  const auto address = redirect_address(*text);
  if (!address) {
    errors.add(node->position, fmt::format("{} is no such address", in_quotes(*text)),
               "https://..., http://..., sip:..., sips:..., 192.0.2.1 or 2001:db8::1");
    return;
  }
  rule.add(address->first, address->second);
}

void read_filters(YamlMap& map, const char* key, FinalPart part, FinalUnitRule& rule,
                  FileErrors& errors) {
  const YamlNode* const node = map.find(key);
  if (node == nullptr) return;
  if (rule.action == FinalAction::terminate) {
    errors.add(map.key_position(key), "nothing may be used any more, whatever filters say",
               "action: restrict, or redirect");
    return;
  }
  if (!check_kind(*node, YamlNode::Kind::sequence, errors, "a list of filters") ||
      !check_count(*node, errors, "filters", 1, filters_max)) {
    return;
  }
  for (const YamlNode& item : node->items) {
    const std::optional<std::string> text = read_part(item, "a filter", errors);
    if (!text) continue;
    if (part == FinalPart::filter && !is_filter(*text)) {
      errors.add(item.position, fmt::format("{} is no IP filter", in_quotes(*text)),
                 "as in RFC 6733 4.3.1: permit out ip from 198.51.100.0/24 to any");
      continue;
    }
    rule.add(part, *text);
  }
}

}  // namespace

std::shared_ptr<const FinalUnitRule> read_at_end(YamlMap& map, FileErrors& errors) {
  const YamlNode* const node = map.find("at_end");
  if (node == nullptr) return nullptr;
  const std::size_t errors_before = errors.count();
  YamlMap at_end(*node, "at_end", errors);
  FinalUnitRule rule;
  constexpr std::array actions = {FinalAction::terminate, FinalAction::redirect,
                                  FinalAction::restrict_access};
  std::optional<std::size_t> action;
  if (const YamlNode* what = at_end.require("action", "terminate, redirect or restrict")) {
    action = read_choice(*what, errors,
                         {final_action_name(actions[0]), final_action_name(actions[1]),
                          final_action_name(actions[2])});
  }
  if (action) {
    rule.begin(actions[*action]);
    read_address(at_end, rule, errors);
    read_filters(at_end, "filter_ids", FinalPart::filter_id, rule, errors);
    read_filters(at_end, "filters", FinalPart::filter, rule, errors);
    if (const YamlNode* again = at_end.find("ask_again")) {
      rule.ask_again =
          read_duration(*again, errors, seconds(10), ask_again_max).value_or(seconds(0));
      if (rule.action == FinalAction::terminate) {
        errors.add(at_end.key_position("ask_again"), "who is terminated does not ask again",
                   "action: restrict, or redirect");
      }
    }
  } else {  // It says what the others may be.
    for (const char* key : {"address", "filter_ids", "filters", "ask_again"}) at_end.find(key);
  }
  at_end.finish();
  if (errors.count() != errors_before) return nullptr;
  return std::make_shared<const FinalUnitRule>(std::move(rule));
}

}  // namespace farthing::tariffs
