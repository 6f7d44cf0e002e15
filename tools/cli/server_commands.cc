#include "tools/cli/commands.h"

#include "engine/admin/http.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <ostream>

namespace farthing::tools {

namespace json = boost::json;
using engine::admin::encode_url;

namespace {

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  if (whole < 86'400) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
  return fmt::format("{} d {} h", whole / 86'400, whole % 86'400 / 3600);
}

std::string latency_text(const json::value& latency) {
  return fmt::format("p50 {}  p90 {}  p99 {}  p99.9 {}  max {}", field(latency, "p50"),
                     field(latency, "p90"), field(latency, "p99"), field(latency, "p999"),
                     field(latency, "max"));
}

std::string requests_text(const json::value& requests) {
  std::string text = field(requests, "total");
  for (const json::key_value_pair& type : requests.as_object()) {
    if (!type.value().is_object()) continue;
    for (const json::key_value_pair& outcome : type.value().get_object()) {
      text += fmt::format("; {} {} {}", std::string(type.key()), std::string(outcome.key()),
                          json::serialize(outcome.value()));
    }
  }
  return text;
}

void show_status(const Context& context, const json::value& status) {
  auto line = [&context](std::string_view name, std::string_view text) {
    context.out() << fmt::format("{:<12}{}\n", name, text);
  };
  const json::value& ledger = status.at("ledger");
  line("farthing", fmt::format("{}, up {}", field(status, "version"),
                               duration_text(status.at("uptime_seconds").to_number<double>())));
  line("data", fmt::format("{}, {:.1f} GiB free", field(status, "data"),
                           ledger.at("free_disk_bytes").to_number<double>() / (1u << 30)));
  line("ledger",
       fmt::format("{} entries, {} durable", field(ledger, "sequence"), field(ledger, "durable")));
  line("accounts", field(status, "accounts"));
  line("sessions", fmt::format("{} open", field(status, "sessions_open")));
  const json::value& tariff = status.at("tariff");
  line("tariff", tariff.is_null()
                     ? "none in force; load one: farthing tariff load FILE"
                     : fmt::format("{}, version {}, {}", field(tariff, "name"),
                                   field(tariff, "version"), field(tariff, "currency")));
  line("requests", requests_text(status.at("requests")));
  line("latency us", latency_text(status.at("request_us")));
  line("commit us", latency_text(status.at("commit_us")));
  for (const json::value& peer : status.at("peers").as_array()) {
    line("peer", fmt::format("{} ({}) {}", field(peer, "host"), field(peer, "address"),
                             field(peer, "state")));
  }
}

void tell_closed(const Context& context, const json::value& closed) {
  context.out() << fmt::format("closed (ledger entry {}); it was charged {} {} in all\n",
                               field(closed, "sequence"), field(closed, "charged"),
                               field(closed, "currency"));
  context.out() << fmt::format("released to account {}: {} {}", field(closed, "account"),
                               field(closed, "released"), field(closed, "currency"));
  for (const json::value& held : closed.at("released_units").as_array()) {
    context.out() << fmt::format(", {} {} of {}", field(held, "units"), field(held, "unit"),
                                 field(held, "offer"));
  }
  context.out() << '\n';
}

void add_session_commands(CLI::App& app, Context& context) {
  CLI::App* const group = add_group(app, "session", "Open sessions");
  struct Given {
    std::string account, id, reason;
    std::uint64_t limit = 100;
  };
  const auto given = std::make_shared<Given>();

  CLI::App* const list = add_command(
      *group, context, "list", "Lists open sessions",
      "farthing session list --account 8613800138000", [&context, given] {
        std::string target = fmt::format("/v1/sessions?limit={}", given->limit);
        if (!given->account.empty()) target += "&account=" + encode_url(given->account);
        return context.get(target, [&context](const json::value& answer) {
          Table table({{"session"},
                       {"account"},
                       {"msisdn"},
                       {"opened"},
                       {"service"},
                       {"used", true},
                       {"unit"},
                       {"charged", true},
                       {"reserved", true}});
          for (const json::value& session : answer.at("sessions").as_array()) {
            const json::array& services = session.at("services").as_array();
            const json::value first = services.empty() ? json::value() : services.front();
            table.add({field(session, "session"), field(session, "account"),
                       field(session, "msisdn"), field(session, "opened_at"), field(first, "rule"),
                       field(first, "used"), field(first, "unit"), field(session, "charged"),
                       field(session, "reserved")});
          }
          context.print(table);
        });
      });
  add_text_option(list, "--account", given->account, "Only this account's")->type_name("ID");
  list->add_option("--limit", given->limit, "At most so many")->capture_default_str();

  CLI::App* const close = add_command(
      *group, context, "close",
      "Closes a session: what it holds goes back to the account, and nothing more is charged. The\n"
      "network is not told: its next report of the session is answered that there is none (5002)",
      "farthing session close 'pgw.example;1;2;3' --reason \"lost by the gateway\"",
      [&context, given] {
        return context.send(
            "DELETE",
            fmt::format("/v1/sessions/{}?reason={}", encode_url(given->id),
                        encode_url(given->reason)),
            {}, [&context](const json::value& answer) { tell_closed(context, answer); });
      });
  add_argument(close, "SESSION-ID", given->id, "As farthing session list shows it");
  add_text_option(close, "--reason", given->reason, "Stands in the ledger")->type_name("TEXT");
}

}  // namespace

void add_server_commands(CLI::App& app, Context& context) {
  add_command(
      app, context, "status", "Shows how the server is", "farthing status --json", [&context] {
        return context.get("/v1/status",
                           [&context](const json::value& status) { show_status(context, status); });
      });
  add_command(app, context, "metrics", "Prints the figures for Prometheus",
              "farthing metrics | grep farthing_sessions_open",
              [&context] { return context.copy("/metrics"); });
  add_session_commands(app, context);
}

}  // namespace farthing::tools
