#include "tools/cli/commands.h"
#include "tools/cli/ledger_copy.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <ostream>
#include <thread>

namespace farthing::tools {

namespace json = boost::json;

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds wait_for_entries{2000};
constexpr std::chrono::milliseconds retry_interval{500};
constexpr std::chrono::seconds line_interval_terminal{1};
constexpr std::chrono::seconds line_interval{60};
constexpr std::uint64_t segment_bytes_default = 128 << 20;
constexpr unsigned refused_from = 400;
constexpr unsigned gone = 410;  // archived, and the archive is not at hand
constexpr unsigned stopping = 503;

struct Given {
  std::string folder;
  std::uint64_t segment_bytes = segment_bytes_default;
  bool once = false;
  bool check = false;
};

// Reads a whole copy.
int check_copy(const Context& context, const Given& given) {
  const auto folder = storage::SegmentFolder::open(given.folder);
  if (!folder.has_value()) return context.fail(exit_refused, folder.error().message);
  const storage::Sequence end = folder->end().last;
  std::uint64_t records = 0;
  const auto scanned = folder->scan(storage::Sequence(1), [&](const storage::Record& record) {
    if (++records % 4096 == 0) {
      context.progress(fmt::format("reading: {} of {}", record.header.first.value, end.value));
    }
    return true;
  });
  context.progress("");
  if (!scanned.has_value()) return context.fail(exit_refused, scanned.error().message);
  context.out() << fmt::format(
      "the copy is in order: entries {} to {} in {} records, {} segments\n",
      folder->is_empty() ? 0 : folder->first().value, end.value, records,
      folder->segments().size());
  return exit_done;
}

class Follow {
 public:
  Follow(const Context& context, const Given& given, LedgerCopy copy)
      : context_(context), given_(given), copy_(std::move(copy)) {}

  int run() {
    if (copy_.torn_bytes() > 0) {
      context_.out() << fmt::format("cut off {} bytes that the last run left half written\n",
                                    copy_.torn_bytes());
    }
    for (;;) {
      const auto wait_ms = given_.once ? 0 : wait_for_entries.count();
      const auto answer = context_.fetch(
          fmt::format("/v1/ledger-records?from={}&wait_ms={}", copy_.next().value, wait_ms));
      if (!answer.has_value() || answer->status == stopping) {
        if (given_.once) return context_.fail(exit_unreachable, unreachable(answer));
        tell(fmt::format("{}; trying again", unreachable(answer)));
        std::this_thread::sleep_for(retry_interval);
        continue;
      }
      if (answer->status == gone && copy_.is_empty() && begin_later(answer->body)) continue;
      if (answer->status >= refused_from) return context_.refused(answer->body);
      const auto before = copy_.next();
      const auto taken = copy_.take(answer->body);
      if (!taken.has_value()) return context_.fail(exit_refused, taken.error());
      if (given_.once && copy_.next() > copy_.ledger_end()) {
        context_.progress("");
        context_.out() << position() << '\n';
        return exit_done;
      }
      tell(position());
      // A server with many who wait answers at once.
      if (copy_.next() == before) std::this_thread::sleep_for(retry_interval / 5);
    }
  }

 private:
  // A copy that has nothing yet begins with what there is. False: the answer is not understood.
  bool begin_later(const std::string& answer) {
    json::error_code error;
    const json::value body = json::parse(answer, error);
    const json::value* const gap =
        !error && body.is_object() ? body.get_object().if_contains("error") : nullptr;
    const json::value* const first =
        gap != nullptr && gap->is_object() ? gap->get_object().if_contains("first") : nullptr;
    const std::uint64_t number =
        first != nullptr && first->is_number() ? first->to_number<std::uint64_t>(error) : 0;
    if (error || number < copy_.next().value + 1) return false;
    context_.warn(field(*gap, "message"));
    copy_.begin_with(storage::Sequence(number));
    return true;
  }

  static std::string unreachable(const base::Result<ApiAnswer, Problem>& answer) {
    return answer.has_value() ? "the server is stopping" : answer.error().message;
  }

  std::string position() const {
    const std::uint64_t at = copy_.next().value - 1;
    return fmt::format("entry {} of {}, lag {}, {:.1f} MB taken", at, copy_.ledger_end().value,
                       copy_.ledger_end().value - at,
                       static_cast<double>(copy_.taken_bytes()) / 1e6);
  }

  void tell(const std::string& line) {
    const auto now = steady_clock::now();
    const auto interval = context_.shows_progress() ? line_interval_terminal : line_interval;
    if (told_ && now - *told_ < interval) return;
    told_ = now;
    if (context_.shows_progress()) {
      context_.progress(line);
    } else {
      context_.out() << line << std::endl;
    }
  }

  const Context& context_;
  const Given& given_;
  LedgerCopy copy_;
  std::optional<steady_clock::time_point> told_;
};

int follow(const Context& context, const Given& given) {
  if (given.check) return check_copy(context, given);
  auto copy = LedgerCopy::open(given.folder, given.segment_bytes);
  if (!copy.has_value()) return context.fail(exit_refused, copy.error());
  return Follow(context, given, std::move(*copy)).run();
}

}  // namespace

void add_follow_command(CLI::App& ledger, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const command = add_command(
      ledger, context, "follow",
      "Keeps a copy of the ledger's records in a folder, on another disk: until there is\n"
      "replication, one disk lost is money lost. Runs until it is stopped, goes on over restarts "
      "of\n"
      "the server and of itself, checks every record, and says how far behind it is",
      "farthing ledger follow --to /mnt/other-disk/ledger",
      [&context, given] { return follow(context, *given); });
  add_text_option(command, "--to", given->folder, "The folder of the copy")
      ->required()
      ->type_name("DIR");
  command->add_flag("--once", given->once, "Stop when all that there is has been copied");
  command->add_flag("--check", given->check, "Copy nothing: read the whole copy and check it");
  command
      ->add_option("--segment-bytes", given->segment_bytes,
                   "A file of the copy that is so large is compressed")
      ->check(CLI::Range(std::uint64_t{1} << 16, std::uint64_t{1} << 32))
      ->capture_default_str();
}

}  // namespace farthing::tools
