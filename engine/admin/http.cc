#include "engine/admin/http.h"

#include "engine/utf8.h"
#include "tariffs/file_error.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Calls `each` with every piece between separators; false as soon as it does.
template <class Each>
bool split(std::string_view text, char separator, Each each) {
  while (true) {
    const std::size_t end = text.find(separator);
    if (!each(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::string_view HttpRequest::query_value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return {};
}

std::optional<std::string> decode_url(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

std::string encode_url(std::string_view text) {
  std::string encoded;
  for (char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

bool parse_target(std::string_view target, HttpRequest& request) {
  if (!target.starts_with('/')) return false;
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(1, mark == std::string_view::npos ? mark : mark - 1);
  const bool path_ok = split(path, '/', [&request](std::string_view part) {
    auto decoded = decode_url(part);
    if (decoded) request.path.push_back(std::move(*decoded));
    return decoded.has_value();
  });
  if (!path_ok || mark == std::string_view::npos) return path_ok;
  return split(target.substr(mark + 1), '&', [&request](std::string_view pair) {
    if (pair.empty()) return true;
    const std::size_t equals = pair.find('=');
    auto name = decode_url(pair.substr(0, equals));
    auto value =
        decode_url(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
    if (!name || !value) return false;
    request.query.emplace_back(std::move(*name), std::move(*value));
    return true;
  });
}

Reply json_reply(const json::value& value, std::uint16_t status) {
  return {status, "application/json", json::serialize(value) + "\n"};
}

Reply error_reply(std::uint16_t status, std::string_view code, std::string_view message) {
  return json_reply({{"error", {{"code", code}, {"message", utf8_text(message)}}}}, status);
}

Reply refusal_reply(const Refusal& refusal) {
  switch (refusal.code) {
    case Refusal::Code::invalid:
      return error_reply(400, "invalid", refusal.message);
    case Refusal::Code::not_found:
      return error_reply(404, "not_found", refusal.message);
    case Refusal::Code::conflict:
      return error_reply(409, "conflict", refusal.message);
    case Refusal::Code::refused:
      break;
  }
  return error_reply(422, "refused", refusal.message);
}

Reply unavailable_reply(std::string_view why) {
  return error_reply(503, "unavailable",
                     fmt::format("{}; whether this was done is not known: ask again", why));
}

BodyFields::BodyFields(std::string_view body) {
  json::error_code error;
  const json::value value = json::parse(json::string_view(body.data(), body.size()), error);
  if (error || !value.is_object()) {
    refuse("the body is no JSON object");
    return;
  }
  for (const json::key_value_pair& field : value.get_object()) {
    const std::string key(field.key());
    if (field.value().is_string()) {
      fields_.emplace_back(key, std::string(field.value().get_string()));
    } else if (!field.value().is_null()) {
      refuse(fmt::format("{} is not a text; write it in quotes", tariffs::in_quotes(key)));
    }
  }
}

void BodyFields::refuse(std::string message) {
  if (wrong_.empty()) wrong_ = std::move(message);
}

std::string BodyFields::optional(std::string_view key) {
  asked_.emplace_back(key);
  for (const auto& [name, value] : fields_) {
    if (name == key) return value;
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> BodyFields::all_of(std::string_view prefix) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& [name, value] : fields_) {
    if (!name.starts_with(prefix)) continue;
    asked_.push_back(name);
    found.emplace_back(name.substr(prefix.size()), value);
  }
  return found;
}

std::string BodyFields::required(std::string_view key) {
  std::string value = optional(key);
  if (value.empty()) refuse(fmt::format("\"{}\" is missing", key));
  return value;
}

std::optional<Reply> BodyFields::wrong() {
  for (const auto& [name, value] : fields_) {
    if (std::find(asked_.begin(), asked_.end(), name) == asked_.end()) {
      refuse(fmt::format("{} is no field of this request; it has: {}", tariffs::in_quotes(name),
                         fmt::join(asked_, ", ")));
    }
  }
  if (wrong_.empty()) return std::nullopt;
  return error_reply(400, "invalid", wrong_);
}

std::optional<std::uint64_t> query_number(const HttpRequest& request, std::string_view name,
                                          std::uint64_t absent, std::uint64_t highest) {
  const std::string_view text = request.query_value(name);
  if (text.empty()) return absent;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > highest) {
    return std::nullopt;
  }
  return number;
}

}  // namespace farthing::engine::admin
