// The routes of the admin API: one table of methods, paths and functions (README.md lists them).
#pragma once

#include "engine/admin/gateway.h"
#include "engine/admin/http.h"
#include "engine/admin/samples.h"
#include "engine/admin/trace.h"

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::engine::admin {

// A Diameter peer, as the status shows it.
struct PeerStatus {
  std::string host;
  std::string address;
  std::string state;
};

// What every route can reach. Lives as long as the server. Callbacks are called from any thread.
struct Api {
  ShardAccess shard;
  const storage::LedgerStore& store;
  const ShardMetrics& metrics;
  base::Clock clock;
  base::Time started_at;
  std::string data_folder;
  std::string archive_folder;  // of retention; "": where the ledger says
  std::function<std::vector<PeerStatus>()> peers;
  std::function<std::vector<Sample>()> samples;
  BeginTrace begin_trace;  // empty: there is nothing to trace
  std::atomic<int> traces = 0;
  // Jobs of which one runs at a time.
  std::atomic<bool> import_runs = false;
  std::atomic<bool> verify_runs = false;
  std::atomic<bool> backup_runs = false;
  std::atomic<bool> records_run = false;
  std::atomic<bool> simulation_runs = false;  // or a rerate, which is one and books
  std::atomic<bool> explanation_runs = false;
  std::atomic<int> copies_waiting = 0;  // requests for ledger records that there are not yet
};

using Handler = Reply (*)(Api& api, const HttpRequest& request, Stream& stream);

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/v1/accounts/{}": {} is any one part
  Handler handler = nullptr;
  std::size_t body_bytes_max = 0;
};

// The route of the request, whose `arguments` it fills; or the error: 404, or 405 with the methods
// that there are.
base::Result<const Route*, Reply> find_route(HttpRequest& request);

// The routes, by what they are about.
Reply get_status(Api& api, const HttpRequest& request, Stream& stream);
Reply get_metrics(Api& api, const HttpRequest& request, Stream& stream);

Reply create_account(Api& api, const HttpRequest& request, Stream& stream);
Reply get_account(Api& api, const HttpRequest& request, Stream& stream);
Reply list_balances(Api& api, const HttpRequest& request, Stream& stream);
Reply top_up(Api& api, const HttpRequest& request, Stream& stream);
Reply adjust(Api& api, const HttpRequest& request, Stream& stream);
Reply set_temporary_credit(Api& api, const HttpRequest& request, Stream& stream);
Reply set_minimum_balance(Api& api, const HttpRequest& request, Stream& stream);
Reply set_billing_day(Api& api, const HttpRequest& request, Stream& stream);
Reply set_validity(Api& api, const HttpRequest& request, Stream& stream);

Reply add_subscriber(Api& api, const HttpRequest& request, Stream& stream);
Reply get_subscriber(Api& api, const HttpRequest& request, Stream& stream);
Reply set_state(Api& api, const HttpRequest& request, Stream& stream);
Reply set_attributes(Api& api, const HttpRequest& request, Stream& stream);
Reply set_switch(Api& api, const HttpRequest& request, Stream& stream);
Reply import_subscribers(Api& api, const HttpRequest& request, Stream& stream);
Reply import_attributes(Api& api, const HttpRequest& request, Stream& stream);

Reply add_payer(Api& api, const HttpRequest& request, Stream& stream);
Reply set_payer_budget(Api& api, const HttpRequest& request, Stream& stream);
Reply list_payers(Api& api, const HttpRequest& request, Stream& stream);
Reply remove_payer(Api& api, const HttpRequest& request, Stream& stream);

Reply list_ceilings(Api& api, const HttpRequest& request, Stream& stream);
Reply change_ceiling(Api& api, const HttpRequest& request, Stream& stream);
Reply list_chosen(Api& api, const HttpRequest& request, Stream& stream);
Reply choose_number(Api& api, const HttpRequest& request, Stream& stream);
Reply give_up_number(Api& api, const HttpRequest& request, Stream& stream);
Reply add_subscription(Api& api, const HttpRequest& request, Stream& stream);
Reply list_subscriptions(Api& api, const HttpRequest& request, Stream& stream);
Reply end_subscription(Api& api, const HttpRequest& request, Stream& stream);

Reply load_numbers(Api& api, const HttpRequest& request, Stream& stream);
Reply list_numbers(Api& api, const HttpRequest& request, Stream& stream);
Reply get_number(Api& api, const HttpRequest& request, Stream& stream);

Reply list_sessions(Api& api, const HttpRequest& request, Stream& stream);
Reply close_session(Api& api, const HttpRequest& request, Stream& stream);

// Copies the data folder into a folder of the server's file systems, while it runs.
Reply create_backup(Api& api, const HttpRequest& request, Stream& stream);

Reply get_ledger(Api& api, const HttpRequest& request, Stream& stream);
Reply verify_ledger(Api& api, const HttpRequest& request, Stream& stream);

Reply copy_ledger_records(Api& api, const HttpRequest& request, Stream& stream);
Reply export_records(Api& api, const HttpRequest& request, Stream& stream);
// What was refused, counted by what it has in common, from the ledger.
Reply list_rejects(Api& api, const HttpRequest& request, Stream& stream);

// What was charged or refused, and why.
Reply explain(Api& api, const HttpRequest& request, Stream& stream);
// Messages of a peer or a subscriber, as they come and go.
Reply trace(Api& api, const HttpRequest& request, Stream& stream);

Reply load_tariff(Api& api, const HttpRequest& request, Stream& stream);
Reply roll_back_tariff(Api& api, const HttpRequest& request, Stream& stream);
// Makes a version that is for some subscribers everybody's.
Reply release_tariff(Api& api, const HttpRequest& request, Stream& stream);
Reply list_tariffs(Api& api, const HttpRequest& request, Stream& stream);
Reply get_tariff(Api& api, const HttpRequest& request, Stream& stream);
Reply get_tariff_source(Api& api, const HttpRequest& request, Stream& stream);
Reply get_price(Api& api, const HttpRequest& request, Stream& stream);
Reply simulate_tariff(Api& api, const HttpRequest& request, Stream& stream);
// Charges of the past made what another tariff says, by adjustments.
Reply rerate(Api& api, const HttpRequest& request, Stream& stream);

}  // namespace farthing::engine::admin
