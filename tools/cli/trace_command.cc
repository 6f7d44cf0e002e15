// farthing trace: what a subscriber's clients, or one client, ask and what the server answers,
// live.
#include "engine/admin/http.h"
#include "tools/cli/commands.h"
#include "tools/cli/trace_writers.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <ostream>
#include <thread>

namespace farthing::tools {

namespace json = boost::json;
using engine::admin::encode_url;
using std::chrono::steady_clock;

namespace {

constexpr unsigned refused_from = 400;
constexpr unsigned busy = 409;
constexpr int explain_tries = 20;
constexpr std::chrono::milliseconds explain_again{25};

struct Given {
  std::string subscriber, peer, session, capture, transcript;
  std::uint64_t seconds = 0;
  std::uint64_t count = 0;
  bool is_brief = false;
  bool without_reasons = false;
};

class Trace {
 public:
  Trace(const Context& context, const Given& given)
      : context_(context), given_(given), text_(context.out(), given.is_brief) {}

  int run() {
    const bool is_one = int{!given_.subscriber.empty()} + int{!given_.peer.empty()} +
                            int{!given_.session.empty()} ==
                        1;
    if (!is_one) {
      return context_.fail(exit_usage, "give one of --subscriber, --peer and --session");
    }
    const int code = context_.copy(target(), [this](std::string_view piece) {
      waiting_ += piece;
      for (std::size_t end = waiting_.find('\n'); end != std::string::npos;
           end = waiting_.find('\n')) {
        take(waiting_.substr(0, end));
        waiting_.erase(0, end + 1);
        if (is_over() || !wrong_.empty()) return false;
      }
      return true;
    });
    if (!wrong_.empty()) return context_.fail(exit_refused, wrong_);
    if (code == exit_done && !is_over()) context_.warn("the server is stopping");
    return code;
  }

 private:
  std::string target() const {
    std::string target = "/v1/trace?";
    for (const auto& [name, value] :
         {std::pair("subscriber=", &given_.subscriber), std::pair("peer=", &given_.peer),
          std::pair("session=", &given_.session)}) {
      if (!value->empty()) target += name + encode_url(*value);
    }
    return target;
  }

  // Files only for what there is to write: once the server follows.
  void begin() {
    begun_ = steady_clock::now();
    if (!given_.capture.empty()) wrong_ = capture_.open(given_.capture);
    if (wrong_.empty() && !given_.transcript.empty()) wrong_ = transcript_.open(given_.transcript);
    if (wrong_.empty()) context_.tell("tracing; Ctrl-C ends it");
  }

  bool is_over() const {
    if (given_.count > 0 && messages_ >= given_.count) return true;
    return given_.seconds > 0 && begun_ &&
           steady_clock::now() - *begun_ >= std::chrono::seconds(given_.seconds);
  }

  void take(const std::string& line) {
    if (!begun_) return begin();
    const auto message = ToldMessage::parse(line);
    if (!message) return tell_lost(line);
    ++messages_;
    if (!given_.capture.empty()) capture_.add(*message);
    if (!given_.transcript.empty()) transcript_.add(*message);
    if (context_.json) {
      context_.out() << line << std::endl;
      return;
    }
    text_.add(*message);
    if (message->entry != 0 && !given_.without_reasons) tell_reasons(message->entry);
    context_.out() << std::endl;
  }

  void tell_lost(const std::string& line) const {
    json::error_code error;
    const json::value value = json::parse(line, error);
    const json::object* const told = error ? nullptr : value.if_object();
    if (told == nullptr || !told->contains("lost")) return;
    context_.warn(fmt::format("{} messages came too fast and are not shown", field(value, "lost")));
  }

  // Why it was decided so, as farthing explain says it.
  void tell_reasons(std::uint64_t entry) const {
    for (int tries = 0; tries < explain_tries; ++tries) {
      const auto answer = context_.fetch(fmt::format("/v1/explanations?of={}", entry), "POST");
      if (!answer.has_value()) return;
      if (answer->status == busy) {
        std::this_thread::sleep_for(explain_again);
        continue;
      }
      json::error_code error;
      const json::value told = json::parse(answer->body, error);
      if (error || answer->status >= refused_from) break;
      print_indented(field(told, "explanation"));
      return;
    }
    context_.out() << fmt::format("  why: farthing explain {}\n", entry);
  }

  void print_indented(const std::string& text) const {
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      if (end > at) context_.out() << "  | " << text.substr(at, end - at) << '\n';
      at = end + 1;
    }
  }

  const Context& context_;
  const Given& given_;
  TextTrace text_;
  CaptureTrace capture_;
  TranscriptTrace transcript_;
  std::string waiting_;
  std::string wrong_;  // with the files
  std::optional<steady_clock::time_point> begun_;
  std::uint64_t messages_ = 0;
};

}  // namespace

void add_trace_command(CLI::App& app, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const command = add_command(
      app, context, "trace",
      "Follows one subscriber, one client or one session live: requests as they come and answers\n"
      "as they leave, decoded, and of each answer why it was decided so. Answers are shown when\n"
      "they are durable. While it runs the server looks at every message for whose it is; it\n"
      "shows identities whole",
      "farthing trace --subscriber 8613800138000\n"
      "  farthing trace --peer pgw.example --brief --pcap pgw.pcap --seconds 60\n"
      "  farthing trace --subscriber 460001234567890 --as-test transcript.txt\n"
      "  farthing trace --session 'pgw.example;1876543210;102' --json",
      [&context, given] { return Trace(context, *given).run(); });
  add_text_option(command, "--subscriber", given->subscriber,
                  "An MSISDN or an IMSI: its sessions and events, known to the server or not");
  add_text_option(command, "--peer", given->peer,
                  "An Origin-Host: all its messages, the base protocol's too");
  add_text_option(command, "--session", given->session, "A Session-Id");
  add_text_option(command, "--pcap", given->capture,
                  "Writes the messages as a capture, too; addresses in it are made up")
      ->type_name("FILE");
  add_text_option(command, "--as-test", given->transcript,
                  "Writes the exchange as a golden transcript of the tests, too")
      ->type_name("FILE");
  command->add_option("--seconds", given->seconds, "Ends after so long");
  command->add_option("--count", given->count, "Ends after so many messages");
  command->add_flag("--brief", given->is_brief, "A line or two a message");
  command->add_flag("--no-reasons", given->without_reasons, "Does not say why");
}

}  // namespace farthing::tools
