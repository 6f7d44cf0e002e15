// What a route of the admin API is given and what it gives back: HTTP without its wire.
//
// Routes are plain functions that may wait; the server runs them on threads of its own. A long
// answer is streamed in pieces, or, as lines of JSON, shows how far the work has got.
#pragma once

#include "engine/operations.h"

#include <boost/json/fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farthing::engine::admin {

struct HttpRequest {
  std::string method;
  std::vector<std::string> path;       // its parts, decoded: "v1", "accounts", "a/b"
  std::vector<std::string> arguments;  // the variable ones among them, in order
  std::vector<std::pair<std::string, std::string>> query;
  std::string body;
  std::string operator_name;  // the user at the other end of the socket

  // The first value of that name; "" where there is none.
  std::string_view query_value(std::string_view name) const;
};

// Takes a request target apart; false where it is malformed.
[[nodiscard]] bool parse_target(std::string_view target, HttpRequest& request);
// %XX decoded; nullopt where that is malformed.
std::optional<std::string> decode_url(std::string_view text);
std::string encode_url(std::string_view text);

struct Reply {
  std::uint16_t status = 200;
  std::string type = "application/json";
  std::string body;
};

Reply json_reply(const boost::json::value& value, std::uint16_t status = 200);
// {"error":{"code":"...","message":"..."}}; the message says what to do about it.
Reply error_reply(std::uint16_t status, std::string_view code, std::string_view message);
Reply refusal_reply(const Refusal& refusal);
Reply unavailable_reply(std::string_view why);

// An answer on its way. A route that begins one here has its Reply ignored; one that does not
// finish it is cut off, so that nobody takes a part for the whole.
class Stream {
 public:
  virtual ~Stream() = default;
  // `missing`: what the answer should have and has not, a sentence; "": nothing.
  virtual void begin(std::string_view type, std::string_view missing = {}) = 0;
  // Waits until the other side has taken it; false: it is gone, and the route may stop.
  [[nodiscard]] virtual bool write(std::string_view piece) = 0;
  virtual void finish() = 0;
};

// A JSON object of texts and booleans as a request's body. The first thing that is wrong with it is
// what the answer says; keys that nobody asked for are wrong too.
class BodyFields {
 public:
  explicit BodyFields(std::string_view body);

  std::string required(std::string_view key);
  std::string optional(std::string_view key);  // "" where it is absent
  // All whose keys begin so, without what they begin with, in the order written.
  std::vector<std::pair<std::string, std::string>> all_of(std::string_view prefix);
  std::optional<Reply> wrong();  // to be called after the fields were read

 private:
  void refuse(std::string message);

  std::vector<std::pair<std::string, std::string>> fields_;
  std::vector<std::string> asked_;
  std::string wrong_;
};

// A whole number of a query: `absent` where it is not given, nullopt where it is no number or over
// `highest`.
std::optional<std::uint64_t> query_number(const HttpRequest& request, std::string_view name,
                                          std::uint64_t absent, std::uint64_t highest);

}  // namespace farthing::engine::admin
