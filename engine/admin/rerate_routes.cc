// The route that makes charges of the past what another tariff says: found by a simulation, then
// booked a few at a time between the requests of the network. It takes long, and neither a second
// one nor a simulation runs meanwhile.
#include "engine/admin/amount.h"
#include "engine/admin/given_tariff.h"
#include "engine/admin/job_reply.h"
#include "engine/admin/routes.h"
#include "engine/admin/simulation_json.h"
#include "engine/admin/views.h"
#include "engine/rerate.h"
#include "tariffs/file_error.h"
#include "tariffs/local_time.h"

#include <boost/json.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <span>
#include <vector>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

constexpr std::size_t bookings_a_visit = 128;
constexpr std::size_t rows_shown_max = 20;
constexpr std::size_t refusals_shown_max = 20;

// One charge and what was done, or would be.
struct BookedRow {
  ChargeToRerate charge;
  std::string account;
  Settlement settlement;
  std::string refused;  // why nothing was; "": it was
};

// Books charges, or in a dry run only says what that would do: then accounts are followed from how
// they stand when they are first met.
class Booking {
 public:
  Booking(Api& api, std::uint64_t number, const Note& note, bool is_dry)
      : api_(api), number_(number), note_(note), is_dry_(is_dry) {}

  // False: the server is stopping, or an account could not be read: why().
  bool book(std::span<const ChargeToRerate> charges);
  const std::vector<BookedRow>& rows() const { return rows_; }  // of the last call
  const std::string& why() const { return why_; }
  void add_to(json::object& result) const;

 private:
  struct Planned {
    std::int64_t balance = 0;
    std::int64_t available = 0;
    std::int64_t overage = 0;
  };

  base::Result<Settlement, Refusal> plan(const Account& account, const ChargeToRerate& charge,
                                         Time now);
  void sum_up();

  Api& api_;
  const std::uint64_t number_;
  const Note note_;
  const bool is_dry_;
  boost::unordered_flat_map<AccountNumber, Planned> planned_;
  std::vector<BookedRow> rows_;
  std::string why_;

  std::uint64_t booked_ = 0;
  std::uint64_t refused_ = 0;
  base::Int128 more_ = 0;
  base::Int128 less_ = 0;
  base::Int128 not_collected_ = 0;
  base::Int128 forgiven_ = 0;
  std::vector<BookedRow> largest_;  // some more than are shown, until they are sorted
  std::vector<BookedRow> refusals_;
};

bool Booking::book(std::span<const ChargeToRerate> charges) {
  rows_.clear();
  Needs needs;
  needs.room = !is_dry_;
  for (const ChargeToRerate& charge : charges) {
    needs.numbers.push_back(charge.account);
    rows_.push_back({charge, {}, {}, {}});
  }
  const Visited ran = api_.shard.visit(std::move(needs), [this](Shard& shard) {
    for (BookedRow& row : rows_) {
      const Account* const account = shard.book().account(row.charge.account);
      if (account != nullptr) row.account = account->name;
      const auto done = is_dry_ && account != nullptr
                            ? plan(*account, row.charge, shard.now())
                            : engine::book(shard, row.charge, number_, note_);
      if (done.has_value()) {
        row.settlement = *done;
      } else {
        row.refused = done.error().message;
      }
    }
  });
  why_ = ran.why();
  if (ran) sum_up();
  return static_cast<bool>(ran);
}

base::Result<Settlement, Refusal> Booking::plan(const Account& account,
                                                const ChargeToRerate& charge, Time now) {
  const auto [place, is_first] = planned_.try_emplace(account.number);
  Planned& planned = place->second;
  if (is_first) {
    planned = {account.balance().micros, account.available(now).micros, account.overage_micros};
  }
  const Settlement settlement = settle(charge, planned.available, planned.overage);
  if (auto wrong = check_settlement(settlement, account.name, planned.balance, planned.overage)) {
    return *wrong;
  }
  planned.balance += settlement.main;
  planned.available += settlement.main;
  planned.overage += settlement.overage;
  return settlement;
}

bool is_larger(const BookedRow& one, const BookedRow& other) {
  const std::int64_t first = std::abs(one.charge.difference());
  const std::int64_t second = std::abs(other.charge.difference());
  return first != second ? first > second : one.charge.entry < other.charge.entry;
}

void Booking::sum_up() {
  for (const BookedRow& row : rows_) {
    if (!row.refused.empty()) {
      ++refused_;
      if (refusals_.size() < refusals_shown_max) refusals_.push_back(row);
      continue;
    }
    ++booked_;
    const std::int64_t difference = row.charge.difference();
    (difference > 0 ? more_ : less_) += std::abs(difference);
    (difference > 0 ? not_collected_ : forgiven_) += std::abs(row.settlement.overage);
    largest_.push_back(row);
  }
  if (largest_.size() <= rows_shown_max) return;
  std::ranges::nth_element(largest_, largest_.begin() + rows_shown_max, is_larger);
  largest_.resize(rows_shown_max);
}

json::value group_json(const BookedRow& row) {
  const auto& group = row.charge.rating_group;
  return group ? json::value(group->value) : json::value(nullptr);
}

void Booking::add_to(json::object& result) const {
  std::vector<BookedRow> largest = largest_;
  std::ranges::sort(largest, is_larger);
  json::array rows;
  for (const BookedRow& row : largest) {
    rows.push_back({{"entry", row.charge.entry.value},
                    {"account", row.account},
                    {"rating_group", group_json(row)},
                    {"charged", amount_text(row.charge.now.charged)},
                    {"would_be", amount_text(row.charge.would_be)},
                    {"difference", amount_text(row.charge.difference())},
                    {"balance", amount_text(row.settlement.main)},
                    {"overage", amount_text(row.settlement.overage)}});
  }
  json::array refusals;
  for (const BookedRow& row : refusals_) {
    refusals.push_back({{"entry", row.charge.entry.value},
                        {"account", row.account},
                        {"rating_group", group_json(row)},
                        {"difference", amount_text(row.charge.difference())},
                        {"message", row.refused}});
  }
  result["adjustments"] = booked_;
  result["charged_more"] = amount_text(more_);
  result["not_collected"] = amount_text(not_collected_);
  result["charged_less"] = amount_text(less_);
  result["forgiven"] = amount_text(forgiven_);
  result["refused"] = refused_;
  result["largest"] = std::move(rows);
  result["refusals"] = std::move(refusals);
}

constexpr std::string_view csv_header =
    "entry,account,rating_group,charged,would_be,difference,balance,overage,refused\n";

std::string csv_of(const std::vector<BookedRow>& rows) {
  std::string text;
  for (const BookedRow& row : rows) {
    const auto& group = row.charge.rating_group;
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{},{},{},{}\n", row.charge.entry.value,
                   row.account, group ? std::to_string(group->value) : "",
                   amount_text(row.charge.now.charged), amount_text(row.charge.would_be),
                   amount_text(row.charge.difference()), amount_text(row.settlement.main),
                   amount_text(row.settlement.overage), row.refused);
  }
  return text;
}

// What of the filter no version knows, so that a misspelt name is not taken for nothing to do; "":
// all is known.
std::string unknown_name(const RerateFilter& filter, const tariffs::TariffHistory& loaded) {
  const auto is_known = [&loaded](const std::string& name, const auto& list_of) {
    return name.empty() ||
           std::ranges::any_of(loaded.versions(), [&](const tariffs::VersionedTariff& version) {
             const auto& list = list_of(*version.tariff);
             return std::ranges::any_of(list, [&](const auto& one) { return one.name == name; });
           });
  };
  const auto no_such = [](std::string_view what, const std::string& name) {
    return fmt::format("no tariff version has a{} {} {}; see: farthing tariff show",
                       what == "offer" ? "n" : "", what, tariffs::in_quotes(name));
  };
  if (!is_known(
          filter.rule, [](const auto& of) -> const auto& { return of.rules(); })) {
    return no_such("rule", filter.rule);
  }
  if (!is_known(
          filter.offer, [](const auto& of) -> const auto& { return of.offers(); })) {
    return no_such("offer", filter.offer);
  }
  if (!is_known(
          filter.service, [](const auto& of) -> const auto& { return of.services(); })) {
    return no_such("service", filter.service);
  }
  return {};
}

std::string newest_for_all(const tariffs::TariffHistory& loaded) {
  for (const auto& version : loaded.versions() | std::views::reverse) {
    if (!version.only) return std::to_string(version.version.value);
  }
  return "0";
}

// Nobody listening any more is no reason to leave it half done.
Reply book_all(const Rerating& rerating, Booking& booking, bool wants_csv, JobReply& reply,
               json::object result) {
  const std::span<const ChargeToRerate> charges(rerating.charges());
  if (wants_csv) static_cast<void>(reply.progress({{"csv", csv_header}}));
  for (std::size_t at = 0; at < charges.size();) {
    const auto some = charges.subspan(at, std::min(bookings_a_visit, charges.size() - at));
    if (!booking.book(some)) {
      return unavailable_reply(fmt::format("{}; {} of {} charges were done, run it again",
                                           booking.why(), at, charges.size()));
    }
    at += some.size();
    if (wants_csv) static_cast<void>(reply.progress({{"csv", csv_of(booking.rows())}}));
    static_cast<void>(
        reply.progress({{"phase", "booking"}, {"entries", at}, {"of", charges.size()}}));
  }
  booking.add_to(result);
  return json_reply(result);
}

Reply run_rerate(Api& api, const HttpRequest& request, JobReply& reply) {
  const auto span = parse_simulation_span(request.query_value("from"), request.query_value("to"));
  if (!span.has_value()) return error_reply(400, "invalid", span.error());
  const bool wants_csv = !request.query_value("csv").empty();
  if (wants_csv && request.query_value("progress").empty()) {
    return error_reply(400, "invalid", "the lines of csv come with those of progress=1; add that");
  }
  TariffView loaded;
  const Visited seen = api.shard.visit([&](Shard& shard) { loaded = view_tariffs(shard); });
  if (!seen) return unavailable_reply(seen.why());
  const RerateFilter filter{std::string(request.query_value("rule")),
                            std::string(request.query_value("offer")),
                            std::string(request.query_value("service"))};
  if (const std::string wrong = unknown_name(filter, *loaded.history); !wrong.empty()) {
    return error_reply(404, "not_found", wrong);
  }
  std::string version(request.query_value("version"));
  if (version.empty()) version = newest_for_all(*loaded.history);
  auto given = given_tariff(api, request, loaded, version);
  if (!given.has_value()) return given.error();

  const std::uint64_t number = rerate_number(*span, filter, given->source_hash);
  const std::string_view said = request.query_value("reason");
  const std::string reason =
      fmt::format("rerate {}{}{}", rerate_name(number), said.empty() ? "" : ": ", said);
  const Note note{request.operator_name, reason, {}};
  if (const auto wrong = check_note(note)) return refusal_reply(*wrong);

  const std::string archive(request.query_value("archive"));
  const std::filesystem::path folder =
      archive_folder(api.store, archive.empty() ? api.archive_folder : archive);
  TariffSimulation simulation(api.store, folder, *span, std::move(given->tariff));
  Rerating rerating(simulation, api.store, folder, *loaded.history, *span, filter, number);
  const auto ran = rerating.run([&](std::string_view phase, Sequence at, Sequence of) {
    return reply.progress({{"phase", phase}, {"entries", at.value}, {"of", of.value}}) &&
           !api.shard.stopping();
  });
  if (api.shard.stopping()) return unavailable_reply("the server is stopping; nothing was booked");
  if (!ran.has_value()) return error_reply(422, "refused", ran.error());
  const bool is_dry = !request.query_value("dry_run").empty();
  Booking booking(api, number, note, is_dry);
  return book_all(rerating, booking, wants_csv, reply,
                  {{"from", tariffs::local_time_text("UTC", span->from)},
                   {"to", tariffs::local_time_text("UTC", span->to)},
                   {"tariff", simulation.tariff_name()},
                   {"currency", simulation.currency()},
                   {"rerate", rerate_name(number)},
                   {"dry_run", is_dry},
                   {"charges", rerating.counts().charges},
                   {"without_price", rerating.counts().without_price},
                   {"paid_by_others", rerating.counts().paid_by_others},
                   {"booked_before", rerating.counts().booked_before}});
}

}  // namespace

Reply rerate(Api& api, const HttpRequest& request, Stream& stream) {
  return run_job(api.simulation_runs, "a simulation or a rerate is running; wait until it is done",
                 request, stream, [&](JobReply& reply) { return run_rerate(api, request, reply); });
}

}  // namespace farthing::engine::admin
