// farthing replay: the requests of a capture asked again, and the answers compared with those that
// the capture has.
#include "diameter/exchange_text.h"
#include "diameter/pcap.h"
#include "diameter/raw_avps.h"
#include "tools/cli/commands.h"
#include "tools/cli/diameter_client.h"

#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <tuple>
#include <vector>

namespace farthing::tools {

using diameter::AvpId;
using diameter::CapturedMessage;
using diameter::Header;

namespace {

using Octets = std::vector<std::uint8_t>;

struct Given {
  std::string file;
  std::string server = "127.0.0.1:3868";
  bool has_new_sessions = false;
  bool shows_all = false;
};

bool is_capabilities(const Header& header) {
  return header.command == diameter::command::capabilities_exchange && header.application == 0;
}
bool is_credit_control(const Header& header) {
  return header.command == diameter::command::credit_control &&
         header.application == diameter::application::credit_control;
}

// The same request of another session: "ID;replay;SUFFIX".
Octets in_new_session(const Octets& frame, const std::string& suffix) {
  Octets out(frame.begin(), frame.begin() + diameter::header_size_bytes);
  const auto add = [&out](diameter::Bytes octets) {
    out.insert(out.end(), octets.begin(), octets.end());
  };
  diameter::RawAvps avps(diameter::body_of(frame));
  while (avps.next()) {
    if (diameter::find_avp(avps.vendor(), avps.code()) != AvpId::session_id) {
      add(avps.whole());
      continue;
    }
    Octets session(avps.whole().begin(), avps.whole().begin() + 8);
    session.insert(session.end(), avps.value().begin(), avps.value().end());
    session.insert(session.end(), suffix.begin(), suffix.end());
    diameter::store_u24(&session[5], static_cast<std::uint32_t>(session.size()));
    session.resize((session.size() + 3) & ~std::size_t{3});
    add(session);
  }
  diameter::store_u24(&out[1], static_cast<std::uint32_t>(out.size()));
  return out;
}

// The answers of a capture, by what ties them to their requests.
class Answers {
 public:
  explicit Answers(const std::vector<CapturedMessage>& messages) {
    for (const CapturedMessage& message : messages) {
      const Header header = diameter::header_of(message.frame);
      if (!message.from_client && !header.is_request()) found_[key(header)].push_back(&message);
    }
  }
  // The first that came after the request; nullptr: none did.
  const CapturedMessage* of(const CapturedMessage& request) const {
    const auto found = found_.find(key(diameter::header_of(request.frame)));
    if (found == found_.end()) return nullptr;
    for (const CapturedMessage* answer : found->second) {
      if (answer->at >= request.at) return answer;
    }
    return nullptr;
  }

 private:
  using Key = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;
  static Key key(const Header& header) {
    return {header.command, header.hop_by_hop, header.end_to_end};
  }
  std::map<Key, std::vector<const CapturedMessage*>> found_;
};

class Replay {
 public:
  Replay(const Context& context, const Given& given) : context_(context), given_(given) {}

  int run() {
    const auto endpoint = DiameterEndpoint::parse(given_.server);
    if (!endpoint) {
      return context_.fail(exit_usage, given_.server + " is no HOST:PORT, as 127.0.0.1:3868");
    }
    std::ifstream in(given_.file, std::ios::binary);
    std::ostringstream content;
    if (!in || !(content << in.rdbuf())) {
      return context_.fail(exit_refused, given_.file + ": it cannot be read");
    }
    const auto messages = diameter::read_pcap(content.str());
    if (!messages.has_value()) {
      return context_.fail(exit_refused, given_.file + " " + messages.error());
    }
    suffix_ =
        fmt::format(";replay;{}", std::chrono::system_clock::now().time_since_epoch().count());
    const Answers answers(*messages);
    std::optional<std::size_t> stream;
    for (const CapturedMessage& message : *messages) {
      const Header header = diameter::header_of(message.frame);
      if (!message.from_client || !header.is_request()) continue;
      if (!is_capabilities(header) && !is_credit_control(header)) continue;
      if (stream != message.stream || is_capabilities(header)) {
        stream = message.stream;
        if (const auto connected = client_.connect(*endpoint); !connected.has_value()) {
          return context_.fail(exit_unreachable, connected.error());
        }
        if (!is_capabilities(header) && !introduce(message)) return exit_refused;
      }
      if (!ask(message, answers.of(message))) return exit_refused;
    }
    return verdict();
  }

 private:
  // A capture that begins in the middle of a connection has no CER.
  bool introduce(const CapturedMessage& first) {
    const bool decoded = diameter::decode(first.frame, request_).has_value();
    const diameter::Avp* const host = decoded ? request_.find(AvpId::origin_host) : nullptr;
    const diameter::Avp* const realm = decoded ? request_.find(AvpId::origin_realm) : nullptr;
    diameter::Buffer frame;
    write_capabilities_request(frame, host == nullptr ? "replay.farthing.example" : host->text(),
                               realm == nullptr ? "farthing.example" : realm->text(),
                               "farthing-replay");
    const auto answer = client_.ask(frame.bytes());
    if (answer.has_value() && result_of(**answer) == 2001) return true;
    (void)context_.fail(exit_refused,
                        answer.has_value()
                            ? fmt::format("the server refused the client: {}", result_of(**answer))
                            : answer.error());
    return false;
  }

  // False: the server did not answer.
  bool ask(const CapturedMessage& message, const CapturedMessage* recorded) {
    const Header header = diameter::header_of(message.frame);
    const Octets frame = given_.has_new_sessions && is_credit_control(header)
                             ? in_new_session(message.frame, suffix_)
                             : message.frame;
    const auto answer = client_.ask(frame);
    if (!answer.has_value()) {
      (void)context_.fail(exit_refused, fmt::format("request {}: {}", asked_ + 1, answer.error()));
      return false;
    }
    if (is_capabilities(header)) return true;
    ++asked_;
    const base::Time now =
        std::chrono::time_point_cast<base::Duration>(std::chrono::system_clock::now());
    compare(message, recorded, diameter::answer_lines(**answer, now));
    return true;
  }

  void compare(const CapturedMessage& message, const CapturedMessage* recorded,
               const std::string& answer) {
    const bool is_sound =
        recorded != nullptr && diameter::decode(recorded->frame, recorded_).has_value();
    const std::string before = is_sound ? diameter::answer_lines(recorded_, recorded->at) : "";
    const bool differs = is_sound && before != answer;
    if (differs) ++otherwise_;
    if (!is_sound) ++unrecorded_;
    if (!differs && !given_.shows_all && is_sound) return;
    const bool decoded = diameter::decode(message.frame, request_).has_value();
    context_.out() << fmt::format("request {}{}\n", asked_,
                                  differs     ? ": answered otherwise"
                                  : !is_sound ? ": the capture has no answer"
                                              : "");
    context_.out() << (decoded
                           ? diameter::request_lines(request_, message.at, diameter::Detail::brief)
                           : std::string("> (malformed)\n"));
    if (differs) print_marked("- ", before);
    print_marked(differs ? "+ " : "  ", answer);
    context_.out() << std::endl;
  }

  void print_marked(std::string_view mark, const std::string& text) const {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      context_.out() << mark << line << '\n';
    }
  }

  int verdict() const {
    if (asked_ == 0) {
      return context_.fail(exit_refused,
                           given_.file + " has no Credit-Control request of a client");
    }
    std::string text = fmt::format("{} requests asked again: {} answered as in the capture", asked_,
                                   asked_ - otherwise_ - unrecorded_);
    if (otherwise_ > 0) text += fmt::format(", {} otherwise", otherwise_);
    if (unrecorded_ > 0) text += fmt::format(", {} without an answer there", unrecorded_);
    context_.out() << text << '\n';
    return otherwise_ == 0 ? exit_done : exit_refused;
  }

  const Context& context_;
  const Given& given_;
  DiameterClient client_;
  diameter::Message request_;
  diameter::Message recorded_;
  std::string suffix_;
  std::size_t asked_ = 0;
  std::size_t otherwise_ = 0;
  std::size_t unrecorded_ = 0;
};

}  // namespace

void add_replay_command(CLI::App& app, Context& context) {
  const auto given = std::make_shared<Given>();
  CLI::App* const command = add_command(
      app, context, "replay",
      "Sends the Credit-Control requests of a capture again, over Diameter, as its client did, "
      "and\n"
      "compares the answers with the captured ones: Result-Codes, grants, validity, final units,\n"
      "cost. A server that has answered them before answers alike and charges nothing; another "
      "one\n"
      "charges: not for a server with real subscribers. pcap, from tcpdump or farthing trace; "
      "TCP\n"
      "or SCTP, without TLS",
      "farthing replay gateway.pcap --connect 127.0.0.1:3868\n"
      "  farthing replay gateway.pcap --new-sessions --all",
      [&context, given] { return Replay(context, *given).run(); });
  add_argument(command, "FILE", given->file, "The capture");
  add_text_option(command, "--connect", given->server, "The Diameter server")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  command->add_flag("--new-sessions", given->has_new_sessions,
                    "Other Session-Ids than those captured, so that nothing is a repetition");
  command->add_flag("--all", given->shows_all, "Shows answers that are as in the capture, too");
}

}  // namespace farthing::tools
