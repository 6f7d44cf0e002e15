// farthing-play: a small Gy/Ro client that plays whole sessions against a server and shows what is
// asked and answered. Captures of real clients: farthing replay.
#include "diameter/message.h"
#include "diameter/text.h"
#include "diameter/writer.h"
#include "tools/cli/diameter_client.h"
#include "tools/cli/exit_codes.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <unistd.h>

#include <array>
#include <cstdio>
#include <optional>
#include <vector>

namespace {

using namespace farthing;
using namespace farthing::tools;
using diameter::AvpId;

constexpr const char* footer = R"(
Examples:
  farthing-play --connect 127.0.0.1:3868 data --user 8613800138000
  farthing-play --connect 127.0.0.1:3868 voice --user +8613800138000 --decode

Exit codes: 0 played, 1 a request was refused or the answer is malformed, 2 usage,
3 server not reachable)";

// One request of a story, by CC-Request-Type.
struct Step {
  std::uint32_t type;
  std::uint64_t asked;  // 0: nothing asked
  std::uint64_t used;
};

// A session of one service, told in its unit.
struct Story {
  const char* name;
  const char* help;
  const char* context;
  std::optional<std::uint32_t> rating_group;
  AvpId unit;
  const char* unit_text;
  std::vector<Step> steps;
};

const std::array<Story, 3>& stories() {
  static const std::array<Story, 3> all = {{
      {"data",
       "A data session: 25 MiB in rating group 10",
       "32251@3gpp.org",
       10,
       AvpId::cc_total_octets,
       "octets",
       {{1, 10u << 20, 0},
        {2, 10u << 20, 10u << 20},
        {2, 10u << 20, 9'999'999},
        {3, 0, 5'728'641}}},
      {"voice",
       "A call of 95 seconds",
       "32260@3gpp.org",
       100,
       AvpId::cc_time,
       "seconds",
       {{1, 60, 0}, {2, 60, 60}, {3, 0, 35}}},
      {"message",
       "A text message, debited at once",
       "32274@3gpp.org",
       std::nullopt,
       AvpId::cc_service_specific_units,
       "messages",
       {{4, 1, 0}}},
  }};
  return all;
}

// The client, showing what goes over the wire where that is wanted.
class Client {
 public:
  Client(DiameterClient& client, bool decode) : client_(client), decode_(decode) {}

  // nullptr where no sound answer came.
  const diameter::Message* ask(diameter::Bytes frame) {
    if (decode_ && diameter::decode(frame, request_).has_value()) {
      fmt::print("{}\n", diameter::to_text(request_));
    }
    const auto answer = client_.ask(frame);
    if (!answer.has_value()) return nullptr;
    if (decode_) fmt::print("{}\n", diameter::to_text(**answer));
    return *answer;
  }

 private:
  DiameterClient& client_;
  bool decode_;
  diameter::Message request_;
};

// "1048576 octets" for a Granted-Service-Unit, wherever it stands; "" for none.
std::string granted_text(const diameter::Message& message, AvpId group_id) {
  for (const diameter::Avp& avp : message.tape()) {
    if (avp.id != group_id) continue;
    for (const diameter::Avp& unit : message.children(avp)) {
      if (unit.id == AvpId::cc_time) return fmt::format("{} s", unit.u32());
      if (unit.id == AvpId::cc_total_octets) return fmt::format("{} octets", unit.u64());
      if (unit.id == AvpId::cc_service_specific_units) return fmt::format("{} units", unit.u64());
    }
    return "an empty unit";
  }
  return "";
}

bool is_final(const diameter::Message& answer) {
  for (const diameter::Avp& avp : answer.tape()) {
    if (avp.id == AvpId::final_unit_indication) return true;
  }
  return false;
}

// One line about a request and its answer. False: it was refused.
bool report(std::string_view what, const diameter::Message* answer) {
  if (answer == nullptr) {
    fmt::print("  {:<52} no sound answer\n", what);
    return false;
  }
  std::uint32_t code = result_of(*answer);
  for (const diameter::Avp& avp : answer->avps()) {  // the code of a refused service says more
    if (avp.id != AvpId::multiple_services_credit_control) continue;
    const diameter::Avp* service = answer->find(avp, AvpId::result_code);
    if (service != nullptr && service->u32() != 2001) code = service->u32();
  }
  const std::string granted = granted_text(*answer, AvpId::granted_service_unit);
  fmt::print(
      "  {:<52} {} {}{}{}\n", what, code, name(static_cast<diameter::ResultCode>(code)).substr(9),
      granted.empty() ? "" : ", granted " + granted, is_final(*answer) ? ", the last grant" : "");
  return code == 2001;
}

void begin_request(diameter::Writer& writer, std::uint32_t command, std::uint32_t application,
                   std::uint32_t number) {
  diameter::Header header;
  header.flags = diameter::command_flag::request;
  if (application != 0) header.flags |= diameter::command_flag::proxiable;
  header.command = command;
  header.application = application;
  header.hop_by_hop = number;
  header.end_to_end = (static_cast<std::uint32_t>(time(nullptr)) << 20) + number;
  writer.begin(header);
}

void put_origin(diameter::Writer& writer) {
  writer.put_text(AvpId::origin_host, "play.farthing.example");
  writer.put_text(AvpId::origin_realm, "farthing.example");
}

bool exchange_capabilities(Client& client) {
  diameter::Buffer frame;
  write_capabilities_request(frame, "play.farthing.example", "farthing.example", "farthing-play");
  const diameter::Message* answer = client.ask(frame.bytes());
  return answer != nullptr && result_of(*answer) == 2001;
}

void put_units(diameter::Writer& writer, AvpId group, AvpId unit, std::uint64_t amount) {
  writer.begin_group(group);
  if (unit == AvpId::cc_time) {
    writer.put_u32(unit, static_cast<std::uint32_t>(amount));
  } else {
    writer.put_u64(unit, amount);
  }
  writer.end_group();
}

void write_step(diameter::Buffer& frame, const Story& story, const Step& step, std::uint32_t number,
                const std::string& session, const std::string& user) {
  diameter::Writer writer(frame);
  begin_request(writer, diameter::command::credit_control, diameter::application::credit_control,
                number + 2);
  writer.put_text(AvpId::session_id, session);
  put_origin(writer);
  writer.put_text(AvpId::destination_realm, "farthing.example");
  writer.put_u32(AvpId::auth_application_id, diameter::application::credit_control);
  writer.put_text(AvpId::service_context_id, story.context);
  writer.put_u32(AvpId::cc_request_type, step.type);
  writer.put_u32(AvpId::cc_request_number, number);
  writer.put_time(AvpId::event_timestamp,
                  std::chrono::time_point_cast<base::Duration>(std::chrono::system_clock::now()));
  writer.begin_group(AvpId::subscription_id);
  writer.put_u32(AvpId::subscription_id_type, 0);
  writer.put_text(AvpId::subscription_id_data, user);
  writer.end_group();
  if (step.type == 4) {
    writer.put_u32(AvpId::requested_action, 0);  // DIRECT_DEBITING
    put_units(writer, AvpId::requested_service_unit, story.unit, step.asked);
  } else {
    writer.put_u32(AvpId::multiple_services_indicator, 1);
    writer.begin_group(AvpId::multiple_services_credit_control);
    if (step.asked > 0) put_units(writer, AvpId::requested_service_unit, story.unit, step.asked);
    if (step.type != 1) put_units(writer, AvpId::used_service_unit, story.unit, step.used);
    writer.put_u32(AvpId::rating_group, *story.rating_group);
    writer.end_group();
  }
  writer.finish();
}

bool play_story(Client& client, const Story& story, const std::string& user) {
  constexpr std::array types = {"", "initial", "update", "termination", "event"};
  if (!exchange_capabilities(client)) return report("capabilities exchange", nullptr);
  const std::string session =
      fmt::format("play.farthing.example;{};{};{}", time(nullptr), getpid(), story.name);
  diameter::Buffer frame;
  bool served = true;
  for (std::uint32_t number = 0; number < story.steps.size(); ++number) {
    const Step& step = story.steps[number];
    frame.clear();
    write_step(frame, story, step, number, session, user);
    std::string what = fmt::format("{}:", types[step.type]);
    if (step.used > 0) what += fmt::format(" used {} {}", step.used, story.unit_text);
    if (step.asked > 0)
      what += fmt::format("{} asks {} {}", step.used > 0 ? "," : "", step.asked, story.unit_text);
    served = report(what, client.ask(frame.bytes())) && served;
  }
  return served;
}

}  // namespace

int main(int argc, char** argv) {
  std::string server = "127.0.0.1:3868";
  std::string user = "8613800138000";
  bool decode = false;
  CLI::App app{"Plays Gy/Ro sessions against a server"};
  app.footer(footer);
  app.set_version_flag("--version", std::string("farthing-play ") + FARTHING_VERSION);
  app.add_option("--connect", server, "Diameter server (default 127.0.0.1:3868)")
      ->type_name("HOST:PORT");
  for (const Story& story : stories()) {
    CLI::App* command = app.add_subcommand(story.name, story.help);
    command->add_option("--user", user, "The subscriber's E.164 number (default 8613800138000)");
    command->add_flag("--decode", decode, "Print every message with all its AVPs");
  }
  app.require_subcommand(1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_done : exit_usage;
  }
  const auto endpoint = DiameterEndpoint::parse(server);
  if (!endpoint) {
    fmt::print(stderr, "farthing-play: \"{}\" is no HOST:PORT\n", server);
    return exit_usage;
  }
  DiameterClient connection;
  if (const auto connected = connection.connect(*endpoint); !connected.has_value()) {
    fmt::print(stderr, "farthing-play: {}\n", connected.error());
    return exit_unreachable;
  }
  Client client(connection, decode);
  for (const Story& story : stories()) {
    if (app.got_subcommand(story.name))
      return play_story(client, story, user) ? exit_done : exit_refused;
  }
  return exit_usage;
}
