#include "tests/diameter/transcript.h"

#include "diameter/credit_control.h"
#include "diameter/exchange_text.h"
#include "diameter/raw_avps.h"
#include "diameter/writer.h"
#include "engine/operations.h"
#include "tariffs/tariff_file.h"
#include "tests/diameter/transcript_peer.h"
#include "tests/support/test_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace farthing::test {

namespace {

using diameter::AvpId;

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

constexpr std::array identity_keys = {"user", "imsi",          "sip",
                                      "name", "user_extended", "imsi_extended"};

struct Service {
  std::vector<std::string> raw;
  std::optional<std::string> rating_group;
  std::vector<std::string> identifiers;
  std::optional<std::string> requested;
  std::vector<std::string> used;
  std::optional<std::uint32_t> reason;
  std::vector<std::string> envelopes;
};

struct RequestText {
  std::map<std::string, std::string> values;  // persist from request to request
  std::string type, number;
  bool retransmitted = false;
  bool shows_all = false;
  std::optional<std::string> requested, action, sub, at, drop;
  std::vector<std::string> used;
  std::vector<std::string> raw;
  std::vector<Service> services;
};

class Player {
 public:
  std::string play(std::string_view transcript) {
    std::istringstream in{std::string(transcript)};
    std::string line;
    std::vector<std::string> request;
    while (std::getline(in, line)) {
      const bool more = line.starts_with(">  ") && !request.empty();
      if (!more && !request.empty()) send(request);
      if (line.starts_with('>')) {
        request.push_back(line);
      } else if (line.starts_with('<') || line.starts_with('?')) {
        // What was expected: what came has been written in its place.
      } else if (line.starts_with('=')) {
        emit(balance_line(words_of(line).at(1)));
      } else {
        emit(line);
        if (line.starts_with('+')) advance(words_of(line).at(1));
        if (line.starts_with('!')) command(words_of(line));
        if (line.starts_with('+') || line.starts_with('!')) emit_sent();
      }
    }
    if (!request.empty()) send(request);
    return out_;
  }

 private:
  void emit(const std::string& line) { out_ += line + "\n"; }

  void emit_sent() {
    for (const std::string& line : client_.sent()) emit(line);
  }

  void advance(const std::string& seconds) {
    engine_.advance(std::chrono::seconds(std::stoll(seconds)));
  }

  void command(const std::vector<std::string>& words) {
    const std::string& what = words.at(1);
    const engine::Note note{"test", "transcript", ""};
    engine::Shard& shard = engine_.shard();
    engine::Operation done = engine::Done{};
    if (what == "crash") {
      engine_.crash_and_restart();
      credit_control_.emplace(identity(), engine_.shard());
    } else if (what == "tick") {
      while (shard.tick()) {
      }
    } else if (what == "topup") {
      done = engine::top_up(shard, words.at(2), *tariffs::Money::parse(words.at(3)), note);
    } else if (what == "adjust") {
      done = engine::adjust(shard, words.at(2), *tariffs::Money::parse(words.at(3)), note);
    } else if (what == "state") {
      done = engine::set_state(shard, words.at(2), *tariffs::parse_life_state(words.at(3)), note);
    } else if (what == "subscribe") {
      done = engine::add_subscription(shard, words.at(2), words.at(3), note);
    } else if (what == "tariff") {
      load_sample(words.at(2));
    } else if (what == "answer") {
      client_.answer(static_cast<std::uint32_t>(std::stoul(words.at(2))));
    } else if (what == "connect") {
      client_.connect(words.at(2), static_cast<std::uint32_t>(std::stoul(words.at(3))));
    } else if (what == "disconnect") {
      client_.disconnect();
    } else if (what == "close") {
      done = engine::close_session(shard, words.at(2));
    } else if (what == "disk") {
      engine_.store().set_free_disk_bytes(std::stoull(words.at(2)));
    } else if (what != "sync") {
      throw std::runtime_error("unknown command " + what);
    }
    if (!done.has_value()) emit("  refused: " + done.error().message);
    engine_.sync();
  }

  // Of tariffs/samples, or beside the traps.
  void load_sample(const std::string& name) {
    std::ifstream file(std::string(FARTHING_SAMPLES) + "/" + name);
    if (!file) file.open(std::string(FARTHING_TRAPS) + "/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    const auto tariff = tariffs::compile_tariff(name, text.str());
    if (!tariff.has_value()) throw std::runtime_error(tariffs::to_string(tariff.error().front()));
    engine_.shard().enter_tariff(*tariff, text.str());
  }

  static diameter::PeerProfile profile_of(const RequestText& request) {
    using diameter::PeerProfile;
    static const std::map<std::string, PeerProfile> profiles = {
        {"simple", {.final_units = PeerProfile::FinalUnits::terminate}},
        {"4011", {.free_service = PeerProfile::FreeService::credit_control_not_applicable}},
        {"one_quota", {.tariff_change = PeerProfile::TariffChange::one_quota}},
        {"two_quotas", {.tariff_change = PeerProfile::TariffChange::two_quotas}},
        {"strict", {.rating_groups = PeerProfile::RatingGroups::strict}},
        {"qos", {.qos_final_unit = true}},
        {"deaf", {.reauthorise = false, .abort = false}},
    };
    const auto said = request.values.find("client");
    return said == request.values.end() ? PeerProfile() : profiles.at(said->second);
  }

  static diameter::Identity identity() { return {"ocs.farthing.example", "farthing.example", 1}; }

  void send(std::vector<std::string>& lines) {
    RequestText request = parse(lines);
    for (const std::string& line : lines) emit(line);
    lines.clear();
    diameter::Buffer frame;
    write_request(request, frame);
    auto decoded = diameter::decode(frame.bytes(), message_);
    answer_buffer_.clear();
    if (!decoded.has_value()) {
      diameter::write_error_answer(answer_buffer_, message_, identity(), decoded.error().code,
                                   decoded.error().failed_avp);
    } else {
      const diameter::PeerProfile profile = profile_of(request);
      client_.use_profile(profile);
      engine_.decide([&] { return credit_control_->decide(message_, profile, "pgw.example"); });
      credit_control_->write(message_, answer_buffer_);
      if (const diameter::Avp* session = message_.find(AvpId::session_id)) {
        client_.heard(session->text());
      }
    }
    engine_.sync();
    describe(answer_buffer_);
  }

  RequestText parse(const std::vector<std::string>& lines) {
    RequestText request;
    const std::vector<std::string> words = words_of(lines.at(0).substr(1));
    request.type = words.at(0);
    request.number = words.at(1);
    for (std::size_t i = 2; i < words.size(); ++i) {
      const std::size_t equals = words[i].find('=');
      const std::string key = words[i].substr(0, equals);
      const std::string value = equals == std::string::npos ? "" : words[i].substr(equals + 1);
      if (key == "T")
        request.retransmitted = true;
      else if (key == "all")
        request.shows_all = true;
      else if (key == "rsu")
        request.requested = value;
      else if (key == "usu")
        request.used.push_back(value);
      else if (key == "action")
        request.action = value;
      else if (key == "sub")
        request.sub = value;
      else if (key == "at")
        request.at = value;
      else if (key == "drop")
        request.drop = value;
      else if (key == "raw")
        request.raw.push_back(value);
      else if (key == "anonymous")
        for (const char* k : identity_keys) known_.erase(k);
      else {
        // An identity said anew replaces those said before.
        if (std::ranges::find(identity_keys, key) != identity_keys.end()) {
          if (!identities_said_)
            for (const char* k : identity_keys) known_.erase(k);
          identities_said_ = true;
        }
        known_[key] = value;
      }
    }
    identities_said_ = false;
    shows_all_ = request.shows_all;
    if (!known_.contains("e2e_fixed")) known_["e2e_now"] = std::to_string(++end_to_end_);
    request.values = known_;
    known_.erase("e2e");
    for (std::size_t line = 1; line < lines.size(); ++line) {
      Service& service = request.services.emplace_back();
      for (const std::string& word : words_of(lines[line].substr(1))) {
        const std::size_t equals = word.find('=');
        const std::string key = word.substr(0, equals);
        const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
        if (key == "rg")
          service.rating_group = value;
        else if (key == "si")
          service.identifiers = split(value, ',');
        else if (key == "rsu")
          service.requested = value;
        else if (key == "usu")
          service.used.push_back(value);
        else if (key == "env")
          service.envelopes.push_back(value);
        else if (key == "raw")
          service.raw.push_back(value);
        else if (key == "reason")
          service.reason = static_cast<std::uint32_t>(std::stoul(value));
        else if (key != "mscc")
          throw std::runtime_error("unknown word " + word);
      }
    }
    return request;
  }

  static void put_units(diameter::Writer& writer, AvpId group, const std::string& text) {
    writer.begin_group(group);
    for (const std::string& part : split(text, ',')) {
      const std::vector<std::string> pair = split(part, ':');
      const std::string& value = pair.at(1);
      if (pair[0] == "total")
        writer.put_u64(AvpId::cc_total_octets, std::stoull(value));
      else if (pair[0] == "in")
        writer.put_u64(AvpId::cc_input_octets, std::stoull(value));
      else if (pair[0] == "out")
        writer.put_u64(AvpId::cc_output_octets, std::stoull(value));
      else if (pair[0] == "time")
        writer.put_u32(AvpId::cc_time, static_cast<std::uint32_t>(std::stoul(value)));
      else if (pair[0] == "events")
        writer.put_u64(AvpId::cc_service_specific_units, std::stoull(value));
      else if (pair[0] == "money")
        put_money(writer, value);
      else if (pair[0] == "change")
        writer.put_u32(AvpId::tariff_change_usage, static_cast<std::uint32_t>(std::stoul(value)));
      else if (pair[0] == "reason")
        writer.put_u32(AvpId::reporting_reason, static_cast<std::uint32_t>(std::stoul(value)));
      else
        throw std::runtime_error("unknown unit " + part);
    }
    writer.end_group();
  }

  // "1.5" -> digits 15, exponent -1: as the text is written; "2e1" -> digits 2, exponent 1.
  static void put_money(diameter::Writer& writer, std::string value) {
    const std::size_t point = value.find('.');
    std::int32_t exponent = 0;
    if (const std::size_t e = value.find('e'); e != std::string::npos) {
      exponent = std::stoi(value.substr(e + 1));
      value.erase(e);
    }
    if (point != std::string::npos) {
      exponent = -static_cast<std::int32_t>(value.size() - point - 1);
      value.erase(point, 1);
    }
    writer.begin_group(AvpId::cc_money);
    writer.begin_group(AvpId::unit_value);
    writer.put_i64(AvpId::value_digits, std::stoll(value));
    writer.put_i32(AvpId::exponent, exponent);
    writer.end_group();
    writer.put_u32(AvpId::currency_code, 156);
    writer.end_group();
  }

  void write_request(const RequestText& request, diameter::Buffer& frame) {
    auto value = [&request](const char* key, const char* otherwise) {
      auto found = request.values.find(key);
      return found == request.values.end() ? std::string(otherwise) : found->second;
    };
    diameter::Header header;
    header.flags = diameter::command_flag::request | diameter::command_flag::proxiable;
    if (request.retransmitted) header.flags |= diameter::command_flag::retransmitted;
    header.command = diameter::command::credit_control;
    header.application = diameter::application::credit_control;
    header.hop_by_hop = ++hop_by_hop_;
    header.end_to_end =
        static_cast<std::uint32_t>(std::stoul(value("e2e", value("e2e_now", "0").c_str())));
    diameter::Writer writer(frame);
    writer.begin(header);
    auto text = [&](AvpId id, const std::string& content) {
      if (request.drop != diameter::name(id)) writer.put_text(id, content);
    };
    auto number = [&](AvpId id, std::uint32_t content) {
      if (request.drop != diameter::name(id)) writer.put_u32(id, content);
    };
    static const std::map<std::string, std::string> contexts = {
        {"data", "32251@3gpp.org"}, {"voice", "32260@3gpp.org"}, {"sms", "32274@3gpp.org"}};
    static const std::map<std::string, std::uint32_t> types = {
        {"I", 1}, {"U", 2}, {"T", 3}, {"E", 4}};
    static const std::map<std::string, std::uint32_t> actions = {
        {"debit", 0}, {"refund", 1}, {"check", 2}, {"price", 3}};
    text(AvpId::session_id, value("session", "pgw.example;1;1"));
    text(AvpId::origin_host, "pgw.example");
    text(AvpId::origin_realm, "example");
    text(AvpId::destination_realm, "farthing.example");
    if (const std::string host = value("host", ""); !host.empty()) {
      writer.put_text(AvpId::destination_host, host);
    }
    number(AvpId::auth_application_id, 4);
    const std::string context = value("context", "data");
    text(AvpId::service_context_id, contexts.contains(context) ? contexts.at(context) : context);
    number(AvpId::cc_request_type, types.contains(request.type)
                                       ? types.at(request.type)
                                       : static_cast<std::uint32_t>(std::stoul(request.type)));
    number(AvpId::cc_request_number, static_cast<std::uint32_t>(std::stoul(request.number)));
    if (request.at) {
      writer.put_time(AvpId::event_timestamp,
                      engine_.now() + std::chrono::seconds(std::stoll(*request.at)));
    }
    if (request.sub) writer.put_u64(AvpId::cc_sub_session_id, std::stoull(*request.sub));
    put_identities(writer, request);
    if (const std::string indicator = value("msi", ""); !indicator.empty()) {
      writer.put_u32(AvpId::multiple_services_indicator,
                     static_cast<std::uint32_t>(std::stoul(indicator)));
    }
    if (const std::string cost = value("aoc", ""); !cost.empty()) {
      writer.put_u32(AvpId::aoc_request_type, static_cast<std::uint32_t>(std::stoul(cost)));
    }
    if (request.action) writer.put_u32(AvpId::requested_action, actions.at(*request.action));
    if (request.requested) put_units(writer, AvpId::requested_service_unit, *request.requested);
    for (const std::string& used : request.used) put_units(writer, AvpId::used_service_unit, used);
    for (const std::string& avp : request.raw) put_raw(writer, avp);
    for (const Service& service : request.services) put_service(writer, service);
    writer.finish();
  }

  static void put_identities(diameter::Writer& writer, const RequestText& request) {
    auto put = [&writer](std::uint32_t type, const std::string& data) {
      writer.begin_group(AvpId::subscription_id);
      writer.put_u32(AvpId::subscription_id_type, type);
      writer.put_text(AvpId::subscription_id_data, data);
      writer.end_group();
    };
    const auto& values = request.values;
    if (values.contains("imsi")) put(1, values.at("imsi"));
    if (values.contains("user")) put(0, values.at("user"));
    if (values.contains("sip")) put(2, values.at("sip"));
    const auto put_extended = [&](const char* key, AvpId id) {
      if (!values.contains(key)) return;
      writer.begin_group(AvpId::subscription_id_extension);
      writer.put_text(id, values.at(key));
      writer.end_group();
    };
    put_extended("user_extended", AvpId::subscription_id_e164);
    put_extended("imsi_extended", AvpId::subscription_id_imsi);
    if (values.contains("name")) writer.put_text(AvpId::user_name, values.at("name"));
  }

  static void put_service(diameter::Writer& writer, const Service& service) {
    writer.begin_group(AvpId::multiple_services_credit_control);
    if (service.requested) put_units(writer, AvpId::requested_service_unit, *service.requested);
    for (const std::string& used : service.used) put_units(writer, AvpId::used_service_unit, used);
    if (service.reason) writer.put_u32(AvpId::reporting_reason, *service.reason);
    for (const std::string& envelope : service.envelopes) {
      put_units(writer, AvpId::envelope, envelope);
    }
    for (const std::string& identifier : service.identifiers) {
      writer.put_u32(AvpId::service_identifier, static_cast<std::uint32_t>(std::stoul(identifier)));
    }
    if (service.rating_group) {
      writer.put_u32(AvpId::rating_group,
                     static_cast<std::uint32_t>(std::stoul(*service.rating_group)));
    }
    for (const std::string& avp : service.raw) put_raw(writer, avp);
    writer.end_group();
  }

  static void put_raw(diameter::Writer& writer, const std::string& hex) {
    std::vector<std::uint8_t> octets;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
      octets.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(at, 2), nullptr, 16)));
    }
    diameter::RawAvps avps(octets);
    if (!avps.next()) throw std::runtime_error("no AVP: " + hex);
    diameter::Avp avp{};
    avp.data = avps.value().data();
    avp.size_bytes = static_cast<std::uint32_t>(avps.value().size());
    avp.code = avps.code();
    avp.vendor = avps.vendor();
    avp.flags = octets[4];
    writer.copy(avp);
  }

  // --- Answers -----------------------------------------------------------------------------------

  void describe(const diameter::Buffer& buffer) {
    if (buffer.empty()) return emit("< nothing");
    auto decoded = diameter::decode(buffer.bytes(), answer_);
    if (!decoded.has_value()) return emit("< malformed");
    out_ += diameter::answer_lines(answer_, engine_.now());
    if (shows_all_) emit("<   " + all_avps());
  }

  // Of the whole answer, by name and with values, but for what stands in groups.
  std::string all_avps() {
    std::string text;
    for (const diameter::Avp& avp : answer_.avps()) {
      text += (text.empty() ? "" : " ") + std::string(diameter::name(avp.id));
      const diameter::AvpType type = diameter::definition(avp.id).type;
      if (type == diameter::AvpType::unsigned32 || type == diameter::AvpType::enumerated) {
        text += fmt::format("={}", avp.u32());
      } else if (type != diameter::AvpType::grouped) {
        text += fmt::format("={}", avp.text());
      }
    }
    return text;
  }

  std::string balance_line(const std::string& name) {
    const engine::Account* account = engine_.shard().book().find_account(name);
    if (account == nullptr) return "= " + name + " unknown";
    std::string line =
        fmt::format("= {} balance={} reserved={}", name, account->balance().to_string(),
                    tariffs::Money(account->reserved_micros).to_string());
    if (account->overage_micros != 0) {
      line += " overage=" + tariffs::Money(account->overage_micros).to_string();
    }
    for (const engine::Bucket& bucket : account->buckets) {
      line += fmt::format(" {}={}", bucket.offer, bucket.remaining);
      if (bucket.reserved != 0) line += fmt::format("+{}", bucket.reserved);
    }
    if (account->session_count != 0) line += fmt::format(" sessions={}", account->session_count);
    return line;
  }

  TestEngine engine_;
  std::optional<diameter::CreditControl> credit_control_{std::in_place, identity(),
                                                         engine_.shard()};
  TranscriptPeer client_{engine_, identity()};
  diameter::Message message_;
  diameter::Message answer_;
  diameter::Buffer answer_buffer_;
  std::map<std::string, std::string> known_ = {{"user", "8613800138000"}};
  bool identities_said_ = false;
  bool shows_all_ = false;
  std::uint32_t hop_by_hop_ = 0;
  std::uint32_t end_to_end_ = 1000;
  std::string out_;
};

}  // namespace

std::string play_transcript(std::string_view transcript) { return Player().play(transcript); }

}  // namespace farthing::test
