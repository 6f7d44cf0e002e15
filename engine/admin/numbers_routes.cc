// The table of ported numbers.
#include "engine/admin/places_json.h"
#include "engine/admin/routes.h"
#include "engine/admin/views.h"
#include "engine/numbers_document.h"
#include "engine/operations.h"
#include "tariffs/ported_numbers.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

Reply wrong_numbers_reply(tariffs::FileErrors& errors) {
  const std::size_t count = errors.count();
  const std::string message =
      fmt::format("{} error{} in the file; the table in force stays", count, count == 1 ? "" : "s");
  return json_reply({{"error",
                      {{"code", "invalid_numbers"},
                       {"message", message},
                       {"errors", places_json(errors.take())}}}},
                    422);
}

}  // namespace

Reply load_numbers(Api& api, const HttpRequest& request, Stream&) {
  const std::string_view name = request.query_value("file");
  tariffs::FileErrors errors(name.empty() ? "numbers" : name);
  auto numbers = std::make_shared<const tariffs::PortedNumbers>(
      tariffs::PortedNumbers::read(request.body, errors));
  if (!errors.empty()) return wrong_numbers_reply(errors);
  const std::size_t count = numbers->size();
  const std::string reason(request.query_value("reason"));
  SourceDocument document(std::string(request.body));
  Operation done = Refusal{};
  const Visited ran = api.shard.visit([&](Shard& shard) {
    done = engine::load_numbers(shard, std::move(numbers), std::move(document),
                                Note{request.operator_name, reason, {}});
  });
  if (!ran) return unavailable_reply(ran.why());
  if (!done.has_value()) return refusal_reply(done.error());
  return json_reply({{"sequence", done->sequence.value}, {"numbers", count}}, 201);
}

Reply get_number(Api& api, const HttpRequest& request, Stream&) {
  const std::optional<Identity> number = parse_msisdn(request.arguments[0]);
  if (!number) {
    return error_reply(400, "invalid", "a number is 1 to 15 digits, the country code first");
  }
  std::shared_ptr<const tariffs::PortedNumbers> table;
  const Visited ran = api.shard.visit([&](Shard& shard) { table = shard.ported(); });
  if (!ran) return unavailable_reply(ran.why());
  const std::string digits = number->digits();
  const std::string_view route = table == nullptr ? std::string_view() : table->find(digits);
  return json_reply({{"number", digits},
                     {"ported", !route.empty()},
                     {"routing", route.empty() ? json::value(nullptr) : json::value(route)}});
}

// The file as it was loaded.
Reply list_numbers(Api& api, const HttpRequest&, Stream&) {
  return {200, "text/csv", api.store.document(numbers_document_key).value_or("number,routing\n")};
}

}  // namespace farthing::engine::admin
