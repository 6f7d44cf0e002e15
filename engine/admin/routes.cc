#include "engine/admin/routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace farthing::engine::admin {

namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

constexpr std::array routes = {
    Route{"GET", "/metrics", get_metrics, 0},
    Route{"GET", "/v1/status", get_status, 0},

    Route{"POST", "/v1/accounts", create_account, mib},
    Route{"GET", "/v1/accounts/{}", get_account, 0},
    Route{"POST", "/v1/accounts/{}/topup", top_up, mib},
    Route{"POST", "/v1/accounts/{}/adjust", adjust, mib},
    Route{"POST", "/v1/accounts/{}/credit", set_temporary_credit, mib},
    Route{"POST", "/v1/accounts/{}/minimum", set_minimum_balance, mib},
    Route{"POST", "/v1/accounts/{}/billing-day", set_billing_day, mib},
    Route{"POST", "/v1/accounts/{}/validity", set_validity, mib},
    Route{"GET", "/v1/balances", list_balances, 0},

    Route{"POST", "/v1/subscribers", add_subscriber, mib},
    Route{"POST", "/v1/subscribers/import", import_subscribers, 512 * mib},
    Route{"POST", "/v1/subscribers/import-attributes", import_attributes, 512 * mib},
    Route{"GET", "/v1/subscribers/{}", get_subscriber, 0},
    Route{"POST", "/v1/subscribers/{}/state", set_state, mib},
    Route{"POST", "/v1/subscribers/{}/attributes", set_attributes, mib},
    Route{"POST", "/v1/subscribers/{}/switches/{}", set_switch, mib},

    Route{"POST", "/v1/subscribers/{}/payers", add_payer, mib},
    Route{"POST", "/v1/accounts/{}/payer-budget", set_payer_budget, mib},
    Route{"GET", "/v1/subscribers/{}/payers", list_payers, 0},
    Route{"DELETE", "/v1/subscribers/{}/payers/{}", remove_payer, 0},
    Route{"GET", "/v1/subscribers/{}/ceilings", list_ceilings, 0},
    Route{"POST", "/v1/subscribers/{}/ceilings/{}", change_ceiling, mib},
    Route{"GET", "/v1/subscribers/{}/chosen", list_chosen, 0},
    Route{"POST", "/v1/subscribers/{}/chosen", choose_number, mib},
    Route{"DELETE", "/v1/subscribers/{}/chosen/{}", give_up_number, 0},
    Route{"POST", "/v1/subscribers/{}/subscriptions", add_subscription, mib},
    Route{"GET", "/v1/subscribers/{}/subscriptions", list_subscriptions, 0},
    Route{"DELETE", "/v1/subscribers/{}/subscriptions/{}", end_subscription, 0},

    Route{"POST", "/v1/numbers", load_numbers, 64 * mib},
    Route{"GET", "/v1/numbers", list_numbers, 0},
    Route{"GET", "/v1/numbers/{}", get_number, 0},

    Route{"GET", "/v1/sessions", list_sessions, 0},
    Route{"DELETE", "/v1/sessions/{}", close_session, 0},

    Route{"POST", "/v1/backups", create_backup, 8 * kib},
    Route{"POST", "/v1/ledger/verify", verify_ledger, kib},
    Route{"GET", "/v1/ledger/{}", get_ledger, 0},

    Route{"GET", "/v1/ledger-records", copy_ledger_records, 0},
    Route{"GET", "/v1/charging-records", export_records, 0},
    Route{"GET", "/v1/rejects", list_rejects, 0},
    Route{"POST", "/v1/explanations", explain, kib},
    Route{"GET", "/v1/trace", trace, 0},

    Route{"POST", "/v1/tariffs", load_tariff, 160 * mib},
    Route{"GET", "/v1/tariffs", list_tariffs, 0},
    Route{"GET", "/v1/tariffs/price", get_price, 0},
    Route{"POST", "/v1/tariffs/simulation", simulate_tariff, 160 * mib},
    Route{"POST", "/v1/tariffs/rerate", rerate, 160 * mib},
    Route{"GET", "/v1/tariffs/{}", get_tariff, 0},
    Route{"POST", "/v1/tariffs/{}/rollback", roll_back_tariff, mib},
    Route{"POST", "/v1/tariffs/{}/release", release_tariff, mib},
    Route{"GET", "/v1/tariffs/{}/source", get_tariff_source, 0},
};

bool matches(std::string_view pattern, const std::vector<std::string>& path,
             std::vector<std::string>& arguments) {
  arguments.clear();
  for (const std::string& part : path) {
    if (pattern.empty()) return false;
    pattern.remove_prefix(1);  // the slash
    const std::string_view wanted = pattern.substr(0, pattern.find('/'));
    if (wanted == "{}") {
      if (part.empty()) return false;
      arguments.push_back(part);
    } else if (wanted != part) {
      return false;
    }
    pattern.remove_prefix(wanted.size());
  }
  return pattern.empty();
}

}  // namespace

base::Result<const Route*, Reply> find_route(HttpRequest& request) {
  std::vector<std::string_view> methods;
  for (const Route& route : routes) {
    if (!matches(route.pattern, request.path, request.arguments)) continue;
    if (route.method == request.method) return &route;
    methods.push_back(route.method);
  }
  if (!methods.empty()) {
    return error_reply(405, "method_not_allowed",
                       fmt::format("this path takes {}", fmt::join(methods, ", ")));
  }
  return error_reply(404, "not_found", "there is no such path; engine/admin/README.md lists them");
}

}  // namespace farthing::engine::admin
