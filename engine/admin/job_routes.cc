// The routes that take long and run one at a time: the import and the verification.
#include "engine/admin/account_walk.h"
#include "engine/admin/import.h"
#include "engine/admin/job_reply.h"
#include "engine/admin/routes.h"
#include "engine/admin/verify_json.h"
#include "engine/verify.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

constexpr std::uint64_t import_rows_between_progress = 10'000;

json::array errors_json(const ImportErrors& errors) {
  json::array list;
  for (const ImportError& error : errors.first) {
    list.push_back({{"line", error.line}, {"message", error.message}});
  }
  return list;
}

Reply import_errors_reply(const ImportErrors& errors) {
  const std::string message = fmt::format("{} error{} in the file; nothing was imported",
                                          errors.count, errors.count == 1 ? "" : "s");
  return json_reply({{"error",
                      {{"code", "invalid_import"},
                       {"message", message},
                       {"count", errors.count},
                       {"errors", errors_json(errors)}}}},
                    422);
}

Reply import_reply(const ImportResult& result, std::uint64_t rows) {
  if (!result.stopped.empty()) return unavailable_reply(result.stopped);
  if (!result.written) return import_errors_reply(result.errors);
  return json_reply({{"rows", rows},
                     {"accounts_created", result.accounts_created},
                     {"subscribers_added", result.subscribers_added},
                     {"unchanged", result.unchanged},
                     {"refused", result.errors.count},
                     {"errors", errors_json(result.errors)}});
}

Reply attributes_reply(const AttributesResult& result, std::uint64_t rows) {
  if (!result.stopped.empty()) return unavailable_reply(result.stopped);
  if (!result.written) return import_errors_reply(result.errors);
  return json_reply({{"rows", rows},
                     {"changed", result.changed},
                     {"unchanged", result.unchanged},
                     {"refused", result.errors.count},
                     {"errors", errors_json(result.errors)}});
}

// --- Verification --------------------------------------------------------------------------------

// An account of a slice as the shard had it.
struct Seen {
  AccountNumber number;
  std::uint64_t fingerprint = 0;
};

// Compares the live book with the ledger's fold, slice by slice, each at the very entry at which
// the shard was looked at.
class LiveComparison {
 public:
  LiveComparison(Api& api, Verifier& verifier, Verifier::Progress progress)
      : api_(api), verifier_(verifier), progress_(std::move(progress)), walk_(api) {}

  // nullopt: all is as it should be, or it could not be finished.
  std::optional<VerifyError> run();
  const std::string& stopped() const { return stopped_; }  // why

 private:
  std::optional<VerifyError> compare_slice();
  std::optional<VerifyError> describe(AccountNumber number);

  Api& api_;
  Verifier& verifier_;
  Verifier::Progress progress_;
  AccountWalk walk_;
  std::string stopped_;
};

std::optional<VerifyError> LiveComparison::run() {
  while (walk_.more() && stopped_.empty()) {
    if (auto wrong = compare_slice()) return wrong;
  }
  return std::nullopt;
}

std::optional<VerifyError> LiveComparison::compare_slice() {
  std::vector<Seen> seen;
  const bool walked = walk_.next([&](const Account& account, std::size_t) {
    seen.push_back({account.number, account_fingerprint(account)});
  });
  if (!walked) {
    stopped_ = walk_.why();
    return std::nullopt;
  }
  const auto folded = verifier_.fold_to(walk_.at(), progress_);
  if (!folded.has_value()) return folded.error();
  for (const Seen& account : seen) {
    const Account* const expected = verifier_.book().account(account.number);
    if (expected == nullptr || account_fingerprint(*expected) != account.fingerprint) {
      return describe(account.number);
    }
  }
  return std::nullopt;
}

// Looks once more at an account that differs, to say in what.
std::optional<VerifyError> LiveComparison::describe(AccountNumber number) {
  Sequence at;
  Sequence last;
  std::string name;
  std::vector<std::pair<std::string, std::string>> actual;
  Needs needs;
  needs.numbers.push_back(number);
  const Visited ran = api_.shard.visit(std::move(needs), [&](Shard& shard) {
    at = shard.book().last();
    const Account& account = *shard.book().account(number);
    name = account.name;
    last = account.last;
    actual = account_state(account);
  });
  if (!ran) {
    stopped_ = ran.why();
    return std::nullopt;
  }
  const auto folded = verifier_.fold_to(at, progress_);
  if (!folded.has_value()) return folded.error();
  const Account* const expected = verifier_.book().account(number);
  if (expected == nullptr) {
    return VerifyError{last, fmt::format("account {} is not in the ledger", name)};
  }
  const std::string difference = first_difference(account_state(*expected), actual);
  if (difference.empty()) return std::nullopt;  // it changed between the two looks
  return VerifyError{last,
                     fmt::format("account {} is not what the ledger says: {}", name, difference)};
}

Reply run_import(Api& api, const HttpRequest& request, ImportKind kind, JobReply& reply) {
  ImportFile file(request.body, kind);
  if (file.errors().count > 0) return import_errors_reply(file.errors());
  const std::string reason(request.query_value("reason"));
  const Note note{request.operator_name, reason.empty() ? "import" : reason, {}};
  std::uint64_t told = 0;
  const ImportProgress progress = [&](std::string_view phase, std::uint64_t rows) {
    if (rows / import_rows_between_progress == told / import_rows_between_progress) return;
    told = rows;
    // Nobody listening any more is no reason to leave the import half done.
    reply.progress({{"phase", phase}, {"rows", rows}, {"of", file.rows()}});
  };
  if (kind == ImportKind::attributes) {
    return attributes_reply(engine::admin::import_attributes(file, api.shard, note, progress),
                            file.rows());
  }
  return import_reply(import_file(file, api.shard, note, progress), file.rows());
}

// With an archive named, from the first entry; else from the opening balances, if there are any.
Reply run_verification(Api& api, const HttpRequest& request, JobReply& reply) {
  const std::string archive(request.query_value("archive"));
  Sequence end;
  const Visited ran = api.shard.visit([&](Shard& shard) { end = shard.book().last(); });
  if (!ran) return unavailable_reply(ran.why());
  const Verifier::Progress progress = [&](Sequence at) {
    return reply.progress({{"phase", "reading"}, {"entries", at.value}, {"of", end.value}}) &&
           !api.shard.stopping();
  };
  Verifier verifier(api.store,
                    archive_folder(api.store, archive.empty() ? api.archive_folder : archive));
  if (archive.empty()) {
    const auto begun = verifier.begin();
    if (!begun.has_value()) return json_reply(verify_error_json(begun.error()));
  }
  const auto folded = verifier.fold_to(end, progress);
  if (api.shard.stopping()) return unavailable_reply("the server is stopping");
  if (!folded.has_value()) return json_reply(verify_error_json(folded.error()));
  LiveComparison comparison(api, verifier, progress);
  const auto wrong = comparison.run();
  if (!comparison.stopped().empty()) return unavailable_reply(comparison.stopped());
  if (wrong) return json_reply(verify_error_json(*wrong));
  const auto sums = verifier.check_sums();
  if (!sums.has_value()) return json_reply(verify_error_json(sums.error()));
  const auto ended = verifier.check_end();
  if (!ended.has_value()) return json_reply(verify_error_json(ended.error()));
  return json_reply(verify_json(verifier));
}

}  // namespace

Reply import_subscribers(Api& api, const HttpRequest& request, Stream& stream) {
  return run_job(
      api.import_runs, "an import is running; wait until it is done", request, stream,
      [&](JobReply& reply) { return run_import(api, request, ImportKind::subscribers, reply); });
}

Reply import_attributes(Api& api, const HttpRequest& request, Stream& stream) {
  return run_job(
      api.import_runs, "an import is running; wait until it is done", request, stream,
      [&](JobReply& reply) { return run_import(api, request, ImportKind::attributes, reply); });
}

Reply verify_ledger(Api& api, const HttpRequest& request, Stream& stream) {
  return run_job(api.verify_runs, "a verification is running; wait until it is done", request,
                 stream, [&](JobReply& reply) { return run_verification(api, request, reply); });
}

}  // namespace farthing::engine::admin
