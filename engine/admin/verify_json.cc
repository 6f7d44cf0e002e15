#include "engine/admin/verify_json.h"

#include "engine/admin/amount.h"

#include <boost/json.hpp>

namespace farthing::engine::admin {

namespace json = boost::json;

json::object verify_json(const Verifier& verifier) {
  json::object money;
  for (std::size_t i = 0; i < side_count; ++i) {
    const auto side = static_cast<Side>(i);
    if (is_units(side)) continue;
    money[side_name(side)] = amount_text(verifier.sums()[i]);
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
