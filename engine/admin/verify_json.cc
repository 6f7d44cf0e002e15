#include "engine/admin/verify_json.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace farthing::engine::admin {

namespace json = boost::json;

json::object verify_json(const Verifier& verifier) {
  json::object money;
  for (std::size_t i = 0; i < side_count; ++i) {
    const auto side = static_cast<Side>(i);
    if (is_units(side)) continue;
    const base::Int128 micros = verifier.sums()[i];
    const base::Int128 size = micros < 0 ? -micros : micros;
    money[side_name(side)] = fmt::format("{}{}.{:06}", micros < 0 ? "-" : "",
                                         static_cast<base::Uint128>(size / 1'000'000),
                                         static_cast<std::uint32_t>(size % 1'000'000));
  }
  return {{"ok", true},
          {"entries", verifier.book().last().value},
          {"records", verifier.records()},
          {"accounts", verifier.book().account_count()},
          {"sessions_open", verifier.book().session_count()},
          {"money", std::move(money)}};
}

json::object verify_error_json(const VerifyError& error) {
  json::value sequence;
  if (error.sequence.value != 0) sequence = error.sequence.value;
  return {{"ok", false}, {"problem", {{"sequence", sequence}, {"message", error.message}}}};
}

}  // namespace farthing::engine::admin
