#include "diameter/exchange_text.h"

#include "diameter/byte_order.h"
#include "diameter/credit_control_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <vector>

namespace farthing::diameter {

namespace {

constexpr std::uint32_t currency_of_transcripts = 156;

std::string word_of(std::string_view text) {
  std::string word(text);
  std::ranges::replace_if(
      word, [](char c) { return static_cast<unsigned char>(c) <= ' '; }, '_');
  return word;
}

// --- Requests ------------------------------------------------------------------------------------

class RequestText {
 public:
  RequestText(const Message& request, base::Time now, Detail detail)
      : request_(request), now_(now), detail_(detail) {}

  std::string lines() {
    for (const Avp& avp : request_.avps()) add(avp);
    std::string line = fmt::format("> {} {}", type_, number_);
    if ((request_.header().flags & command_flag::retransmitted) != 0) line += " T";
    if (detail_ == Detail::whole) {
      if (identities_.empty()) identities_ = " anonymous";
      if (indicator_.empty()) indicator_ = " msi=";
      if (cost_.empty()) cost_ = " aoc=";
      if (host_.empty()) host_ = " host=";
      identities_ += host_ + indicator_;
    }
    return line + session_ + context_ + identities_ + cost_ + words_ + '\n' + services_;
  }

 private:
  void add(const Avp& avp) {
    switch (avp.id) {
      case AvpId::session_id:
        session_ = " session=" + word_of(avp.text());
        return;
      case AvpId::service_context_id:
        context_ = " context=" + context(avp.text());
        return;
      case AvpId::cc_request_type:
        type_ = type(avp.u32());
        return;
      case AvpId::cc_request_number:
        number_ = avp.u32();
        return;
      case AvpId::requested_action:
        words_ += action(avp.u32());
        return;
      case AvpId::event_timestamp:
        words_ += timestamp(avp.time());
        return;
      case AvpId::cc_sub_session_id:
        words_ += fmt::format(" sub={}", avp.u64());
        return;
      case AvpId::multiple_services_indicator:
        indicator_ = fmt::format(" msi={}", avp.u32());
        return;
      case AvpId::aoc_request_type:
        cost_ = fmt::format(" aoc={}", avp.u32());
        return;
      case AvpId::destination_host:
        host_ = " host=" + word_of(avp.text());
        return;
      case AvpId::subscription_id:
        return add_identity(avp);
      case AvpId::user_name:
        identities_ += " name=" + word_of(avp.text());
        return;
      case AvpId::requested_service_unit:
        words_ += unit_word(" rsu=", avp);
        return;
      case AvpId::used_service_unit:
        words_ += unit_word(" usu=", avp);
        return;
      case AvpId::multiple_services_credit_control:
        services_ += ">  " + service(avp) + '\n';
        return;
      case AvpId::origin_host:  // what a transcript's client says of itself
      case AvpId::origin_realm:
      case AvpId::destination_realm:
      case AvpId::auth_application_id:
      case AvpId::origin_state_id:
      case AvpId::route_record:
      case AvpId::proxy_info:
        return;
      default:
        words_ += raw_word(avp);
    }
  }

  static std::string context(std::string_view text) {
    if (text == "32251@3gpp.org") return "data";
    if (text == "32260@3gpp.org") return "voice";
    if (text == "32274@3gpp.org") return "sms";
    return word_of(text);
  }
  // Clocks that are a second apart say the same.
  std::string timestamp(base::Time then) const {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(then - now_).count();
    return seconds < -1 || seconds > 1 ? fmt::format(" at={}", seconds) : "";
  }
  static std::string type(std::uint32_t value) {
    constexpr std::string_view letters = "?IUTE";
    if (value > 0 && value < letters.size()) return std::string(1, letters[value]);
    return std::to_string(value);
  }
  std::string action(std::uint32_t value) const {
    constexpr std::array actions = {"debit", "refund", "check", "price"};
    if (value < actions.size()) return fmt::format(" action={}", actions[value]);
    const Avp* const avp = request_.find(AvpId::requested_action);
    return raw_word(*avp);
  }

  // One of each kind; what is more, or of another kind, is written as it is.
  void add_identity(const Avp& subscription) {
    constexpr std::array keys = {"user", "imsi", "sip"};
    const Avp* const kind = request_.find(subscription, AvpId::subscription_id_type);
    const Avp* const data = request_.find(subscription, AvpId::subscription_id_data);
    if (kind == nullptr || data == nullptr || kind->u32() >= keys.size()) {
      identities_ += raw_word(subscription);
      return;
    }
    const std::string word = fmt::format(" {}=", keys[kind->u32()]);
    const bool is_said = identities_.find(word) != std::string::npos;
    identities_ += is_said ? raw_word(subscription) : word + word_of(data->text());
  }

  std::string service(const Avp& mscc) const {
    std::string words;
    std::string identifiers;
    for (const Avp& avp : request_.children(mscc)) {
      switch (avp.id) {
        case AvpId::rating_group:
          words = fmt::format(" rg={}", avp.u32()) + words;
          break;
        case AvpId::service_identifier:
          identifiers += fmt::format("{}{}", identifiers.empty() ? " si=" : ",", avp.u32());
          break;
        case AvpId::requested_service_unit:
          words += unit_word(" rsu=", avp);
          break;
        case AvpId::used_service_unit:
          words += unit_word(" usu=", avp);
          break;
        case AvpId::reporting_reason:
          words += fmt::format(" reason={}", avp.u32());
          break;
        case AvpId::envelope:
          words += unit_word(" env=", avp);
          break;
        default:
          words += raw_word(avp);
      }
    }
    words += identifiers;
    return words.empty() ? " mscc" : words;
  }

  std::string unit_word(std::string_view key, const Avp& group) const {
    std::string text;
    for (const Avp& avp : request_.children(group)) {
      const std::optional<std::string> part = unit(avp);
      if (!part) return detail_ == Detail::whole ? raw_word(group) : std::string(key) + "(more)";
      text += (text.empty() ? "" : ",") + *part;
    }
    return std::string(key) + text;
  }

  std::optional<std::string> unit(const Avp& avp) const {
    switch (avp.id) {
      case AvpId::cc_total_octets:
        return fmt::format("total:{}", avp.u64());
      case AvpId::cc_input_octets:
        return fmt::format("in:{}", avp.u64());
      case AvpId::cc_output_octets:
        return fmt::format("out:{}", avp.u64());
      case AvpId::cc_time:
        return fmt::format("time:{}", avp.u32());
      case AvpId::cc_service_specific_units:
        return fmt::format("events:{}", avp.u64());
      case AvpId::tariff_change_usage:
        return fmt::format("change:{}", avp.u32());
      case AvpId::reporting_reason:
        return fmt::format("reason:{}", avp.u32());
      case AvpId::cc_money:
        return money(avp);
      default:
        return std::nullopt;
    }
  }

  std::optional<std::string> money(const Avp& group) const {
    const Avp* const value = request_.find(group, AvpId::unit_value);
    const Avp* const currency = request_.find(group, AvpId::currency_code);
    if (value == nullptr || currency == nullptr) return std::nullopt;
    const Avp* const digits = request_.find(*value, AvpId::value_digits);
    const Avp* const exponent = request_.find(*value, AvpId::exponent);
    if (digits == nullptr || currency->u32() != currency_of_transcripts) return std::nullopt;
    if (exponent == nullptr) return std::nullopt;
    return fmt::format("money:{}e{}", digits->i64(), exponent->i32());
  }

  std::string raw_word(const Avp& avp) const {
    if (detail_ == Detail::brief) return "";
    std::string word = " raw=";
    for (const std::uint8_t octet : avp.raw()) word += fmt::format("{:02x}", octet);
    return word;
  }

  const Message& request_;
  const base::Time now_;
  const Detail detail_;
  std::string type_ = "?", session_, context_, identities_, host_, indicator_, cost_, words_,
              services_;
  std::uint32_t number_ = 0;
};

// --- Answers -------------------------------------------------------------------------------------

class AnswerText {
 public:
  AnswerText(const Message& answer, base::Time now) : answer_(answer), now_(now) {}

  std::string lines() const {
    std::string line = "<";
    std::string services;
    for (const Avp& avp : answer_.avps()) {
      if (avp.id == AvpId::result_code) line += fmt::format(" {}", avp.u32());
      if (avp.id == AvpId::cost_information) line += " cost=" + money(avp);
      if (avp.id == AvpId::remaining_balance) line += " low_balance=" + money(avp);
      if (avp.id == AvpId::check_balance_result) line += fmt::format(" check={}", avp.u32());
      if (avp.id == AvpId::failed_avp) line += " failed=" + path(avp);
      if (avp.id == AvpId::multiple_services_credit_control) {
        services += "<   " + service(avp) + '\n';
      }
      line += grant_word(avp);
    }
    if (answer_.header().is_error()) line += " E";
    return line + '\n' + services;
  }

 private:
  std::string service(const Avp& mscc) const {
    std::string group, identifiers, result, grant;
    for (const Avp& avp : answer_.children(mscc)) {
      if (avp.id == AvpId::rating_group) group = fmt::format("rg={} ", avp.u32());
      if (avp.id == AvpId::service_identifier) {
        identifiers += (identifiers.empty() ? "" : ",") + std::to_string(avp.u32());
      }
      if (avp.id == AvpId::result_code) result = std::to_string(avp.u32());
      if (avp.id == AvpId::tariff_change_usage) grant += fmt::format(" change={}", avp.u32());
      grant += grant_word(avp);
    }
    if (!identifiers.empty()) identifiers = "si=" + identifiers + " ";
    return group + identifiers + result + grant;
  }

  std::string grant_word(const Avp& avp) const {
    switch (avp.id) {
      case AvpId::granted_service_unit:
        return " gsu=" + units(avp);
      case AvpId::validity_time:
        return fmt::format(" validity={}", avp.u32());
      case AvpId::quota_holding_time:
        return fmt::format(" holding={}", avp.u32());
      case AvpId::time_quota_threshold:
      case AvpId::volume_quota_threshold:
      case AvpId::unit_quota_threshold:
        return fmt::format(" {}={}", name(avp.id), avp.u32());
      case AvpId::quota_consumption_time:
        return fmt::format(" consumption={}", avp.u32());
      case AvpId::envelope_reporting:
        return fmt::format(" envelopes={}", avp.u32());
      case AvpId::trigger:
        return " triggers=" + numbers(avp);
      case AvpId::time_quota_mechanism:
        return " time_quota=" + numbers(avp);
      case AvpId::qos_final_unit_indication:
        return " qos_" + final_unit(avp);
      case AvpId::final_unit_indication:
        return " final=" + final_unit(avp);
      default:
        return "";
    }
  }

  std::string numbers(const Avp& group) const {
    std::string text;
    for (const Avp& avp : answer_.children(group)) {
      if (avp.size_bytes == 4) text += fmt::format("{}{}", text.empty() ? "" : ",", avp.u32());
    }
    return text;
  }

  // "1:url=https://topup.example/,filter=open-sites"
  std::string final_unit(const Avp& indication) const {
    std::string text;
    for (const Avp& avp : answer_.children(indication)) {
      if (avp.id == AvpId::final_unit_action) text += std::to_string(avp.u32());
      if (avp.id == AvpId::filter_id) text += ",filter=" + word_of(avp.text());
      if (avp.id == AvpId::restriction_filter_rule) text += ",rule=" + word_of(avp.text());
      if (avp.id == AvpId::redirect_server_extension) {
        const Avp* const url = answer_.find(avp, AvpId::redirect_address_url);
        const Avp* const sip = answer_.find(avp, AvpId::redirect_address_sip_uri);
        if (url != nullptr) text += ",url=" + word_of(url->text());
        if (sip != nullptr) text += ",sip=" + word_of(sip->text());
      }
      if (avp.id == AvpId::redirect_server) text += redirect_server(avp);
    }
    return text;
  }

  std::string redirect_server(const Avp& server) const {
    constexpr std::array<const char*, 4> types = {"ipv4", "ipv6", "url", "sip"};
    const Avp* const type = answer_.find(server, AvpId::redirect_address_type);
    const Avp* const address = answer_.find(server, AvpId::redirect_server_address);
    if (type == nullptr || address == nullptr || type->u32() >= types.size()) return ",server=?";
    return fmt::format(",{}={}", types[type->u32()], word_of(address->text()));
  }

  std::string units(const Avp& group) const {
    std::string text;
    auto add = [&text](const char* unit, const std::string& value) {
      text += fmt::format("{}{}:{}", text.empty() ? "" : ",", unit, value);
    };
    for (const Avp& avp : answer_.children(group)) {
      if (avp.id == AvpId::tariff_time_change) {
        add("until",
            std::to_string(
                std::chrono::duration_cast<std::chrono::seconds>(avp.time() - now_).count()));
      }
      if (avp.id == AvpId::cc_total_octets) add("total", std::to_string(avp.u64()));
      if (avp.id == AvpId::cc_input_octets) add("in", std::to_string(avp.u64()));
      if (avp.id == AvpId::cc_output_octets) add("out", std::to_string(avp.u64()));
      if (avp.id == AvpId::cc_time) add("time", std::to_string(avp.u32()));
      if (avp.id == AvpId::cc_service_specific_units) add("events", std::to_string(avp.u64()));
      if (avp.id == AvpId::cc_money) add("money", money(avp));
    }
    return text;
  }

  // Six places, as this server writes amounts; "?": another's.
  std::string money(const Avp& group) const {
    const Avp* const value = answer_.find(group, AvpId::unit_value);
    if (value == nullptr) return "?";
    const Avp* const digits = answer_.find(*value, AvpId::value_digits);
    const Avp* const exponent = answer_.find(*value, AvpId::exponent);
    if (digits == nullptr || exponent == nullptr || exponent->i32() != -6) return "?";
    return engine::Money(digits->i64()).to_string();
  }

  // What a Failed-AVP holds, from the outermost group to the AVP itself, with the value of a short
  // one.
  static std::string path(const Avp& failed) {
    Bytes at = failed.bytes();
    std::string text;
    while (at.size() >= 8) {
      const std::uint32_t code = load_u32(at.data());
      const std::uint32_t flags_and_length = load_u32(at.data() + 4);
      const bool has_vendor = (flags_and_length >> 31) != 0;
      const std::size_t header = has_vendor ? 12 : 8;
      const std::size_t length = flags_and_length & 0xffffff;
      if (length < header || length > at.size()) return text + "(malformed)";
      const AvpId id = find_avp(has_vendor ? load_u32(at.data() + 8) : 0, code);
      text += (text.empty() ? "" : "/") + std::string(name(id));
      at = at.subspan(header, length - header);
      if (definition(id).type != AvpType::grouped) {
        if (at.size() == 4) text += fmt::format(":{}", load_u32(at.data()));
        break;
      }
    }
    return text;
  }

  const Message& answer_;
  const base::Time now_;
};

}  // namespace

std::string request_lines(const Message& request, base::Time now, Detail detail) {
  return RequestText(request, now, detail).lines();
}

std::string answer_lines(const Message& answer, base::Time now) {
  return AnswerText(answer, now).lines();
}

}  // namespace farthing::diameter
