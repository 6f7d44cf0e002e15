#include "engine/records/text.h"

#include "engine/attributes.h"
#include "engine/base/bytes.h"
#include "engine/base/wide.h"
#include "engine/utf8.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <arpa/inet.h>

namespace farthing::engine::records {

namespace {

constexpr std::uint8_t attributes_first = 1;
constexpr std::uint8_t attributes_last = 24;

constexpr std::string_view columns =
    "record,complete,account,account_number,msisdn,imsi,session_id,service_context,opened_at,"
    "closed_at,first_used_at,last_used_at,requests,first_entry,last_entry,charge,charges,"
    "rating_group,service,units,unit,rule,tariff,tariff_version,currency,charged,paid,overage,"
    "allowance_units,allowances";

// What the bytes of an attribute's AVP are.
enum class Form { text, number, address, octets };

Form form_of(std::uint8_t id) {
  switch (static_cast<AttributeId>(id)) {
    case AttributeId::role_of_node:
    case AttributeId::rat_type:
    case AttributeId::charging_id:
    case AttributeId::pdp_type:
      return Form::number;
    case AttributeId::pdp_address:
    case AttributeId::sgsn_address:
    case AttributeId::ggsn_address:
      return Form::address;
    case AttributeId::user_location:
    case AttributeId::time_zone:
      return Form::octets;
    default:
      return Form::text;
  }
}

template <class Number>
void append_number(Number number, std::string& out) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

// With leading zeroes.
template <std::size_t width>
void append_digits(std::uint64_t number, std::string& out) {
  std::array<char, width> digits;
  for (std::size_t i = width; i-- > 0; number /= 10) {
    digits[i] = static_cast<char>('0' + number % 10);
  }
  out.append(digits.data(), width);
}

void append_money(std::int64_t micros, std::string& out) {
  const bool is_negative = micros < 0;
  const std::uint64_t size =
      is_negative ? ~static_cast<std::uint64_t>(micros) + 1 : static_cast<std::uint64_t>(micros);
  if (is_negative) out += '-';
  append_number(size / Money::micros_per_unit, out);
  out += '.';
  append_digits<6>(size % Money::micros_per_unit, out);
}

void append_hex_digits(char byte, std::string& out) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += digits[static_cast<unsigned char>(byte) >> 4];
  out += digits[static_cast<unsigned char>(byte) & 0xf];
}

void append_hex(std::string_view bytes, std::string& out) {
  out += "0x";
  for (char byte : bytes) append_hex_digits(byte, out);
}

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
}

// An Address (RFC 6733 4.3.1): family, then the bytes; some clients leave the family away.
bool append_address(std::string_view bytes, std::string& out) {
  if (bytes.size() == 6 || bytes.size() == 18) bytes.remove_prefix(2);
  if (bytes.size() != 4 && bytes.size() != 16) return false;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size()) ==
      nullptr) {
    return false;
  }
  out += text.data();
  return true;
}

void append_csv_text(std::string_view text, std::string& out) {
  if (is_plain(text) && text.find_first_of(",\"") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (char c : is_plain(text) ? std::string(text) : utf8_text(text)) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void append_json_text(std::string_view text, std::string& out) {
  out += '"';
  if (is_plain(text) && text.find_first_of("\"\\") == std::string_view::npos) {
    out += text;
  } else {
    for (char c : utf8_text(text)) {
      if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        out += "\\u00";
        append_hex_digits(c, out);
      } else {
        out += c;
      }
    }
  }
  out += '"';
}

std::string digits_of(Identity identity) {
  return identity.kind() == Identity::Kind::none ? std::string() : identity.digits();
}

// What was charged in a part of a record, as it is shown: a segment, or what belongs to none.
struct Charge {
  const SegmentCharge* segment = nullptr;
  std::uint16_t index = Leg::no_segment;
  std::int64_t charged_micros = 0;
  std::int64_t overage_micros = 0;
  std::int64_t others_micros = 0;
};

std::int64_t minus(std::int64_t a, std::int64_t b) {
  std::int64_t difference = 0;
  return __builtin_sub_overflow(a, b, &difference) ? 0 : difference;
}

// What the account's own balance gave.
template <class Charged>
std::int64_t paid_micros(const Charged& charged) {
  return minus(minus(charged.charged_micros, charged.overage_micros), charged.others_micros);
}

// What tax is in a charge; nullopt: its price says nothing of it.
struct Tax {
  tariffs::Percent rate;
  tariffs::Money amount;
};
std::optional<Tax> tax_of(const Charge& charge) {
  const SegmentCharge* const segment = charge.segment;
  if (segment == nullptr || !segment->is_known || !segment->tax) return std::nullopt;
  return Tax{*segment->tax, tariffs::tax_in(tariffs::Money(charge.charged_micros), *segment->tax,
                                            segment->rounding)};
}

// Every segment, and one charge without a segment where that is all there is, or something is left.
template <class Take>
std::size_t for_each_charge(const ChargingRecord& record, Take take) {
  Charge rest;
  rest.charged_micros = record.charged_micros;
  rest.overage_micros = record.overage_micros;
  rest.others_micros = record.others_micros;
  for (std::size_t i = 0; i < record.segments.size(); ++i) {
    const SegmentCharge& segment = record.segments[i];
    take(Charge{&segment, static_cast<std::uint16_t>(i), segment.charged_micros,
                segment.overage_micros, segment.others_micros});
    rest.charged_micros = minus(rest.charged_micros, segment.charged_micros);
    rest.overage_micros = minus(rest.overage_micros, segment.overage_micros);
    rest.others_micros = minus(rest.others_micros, segment.others_micros);
  }
  const bool is_left = rest.charged_micros != 0 || rest.overage_micros != 0;
  if (!record.segments.empty() && !is_left) return record.segments.size();
  take(rest);
  return record.segments.size() + 1;
}

// The names that a charge's numbers stand for; "" where they are not known.
struct ChargeNames {
  std::string_view service;
  std::string_view rule;
  std::string_view tariff;
  std::string_view currency;
};

ChargeNames names_of(const Charge& charge, const ChargingRecord& record, TariffNames& tariffs) {
  ChargeNames names;
  const tariffs::Tariff* tariff = nullptr;
  if (charge.segment != nullptr && charge.segment->is_known) {
    const SegmentCharge& segment = *charge.segment;
    tariff = tariffs.find(segment.version);
    if (tariff == nullptr) return names;
    names.service = tariff->service_name(segment.service);
    if (segment.rule.value < tariff->rules().size()) {
      names.rule = tariff->rules()[segment.rule.value].name;
    }
    names.tariff = tariff->name();
  } else {
    tariff = tariffs.find(tariffs::TariffVersion(1));  // every tariff of a ledger has one currency
    names.rule = record.offer;
  }
  if (tariff != nullptr) names.currency = tariff->currency();
  return names;
}

// --- CSV -----------------------------------------------------------------------------------------

void append_optional_time(const std::optional<Time>& time, std::string& out) {
  if (time) append_time(*time, out);
}

// The columns before those of the charge.
void append_csv_begin(const ChargingRecord& record, const Who& who, std::string& out) {
  out += kind_name(record.kind);
  out += record.is_complete ? ",true," : ",false,";
  append_csv_text(who.name, out);
  out += ',';
  append_number(record.account.value, out);
  out += ',';
  out += digits_of(who.msisdn);
  out += ',';
  out += digits_of(who.imsi);
  out += ',';
  append_csv_text(record.session_id, out);
  out += ',';
  append_csv_text(record.service_context, out);
  out += ',';
  append_time(record.opened_at, out);
  out += ',';
  append_time(record.closed_at, out);
  out += ',';
  append_optional_time(record.first_used_at, out);
  out += ',';
  append_optional_time(record.last_used_at, out);
  for (const std::uint64_t number :
       {std::uint64_t{record.requests}, record.first.value, record.last.value}) {
    out += ',';
    append_number(number, out);
  }
  out += ',';
}

void append_csv_allowances(const ChargingRecord& record, const Charge& charge, std::string& out) {
  base::Int128 sum = 0;
  std::string list;  // stays empty mostly
  for (const AllowanceUse& use : record.allowances) {
    if (use.segment != charge.index || use.units == 0) continue;
    sum += use.units;
    if (!list.empty()) list += ';';
    append_number(use.bucket.value, list);
    list += ':';
    append_number(use.units, list);
  }
  if (!list.empty()) append_number(static_cast<std::int64_t>(sum), out);
  out += ',';
  out += list;
}

void append_csv_charge(const ChargingRecord& record, const Charge& charge, TariffNames& tariffs,
                       std::string& out) {
  const ChargeNames names = names_of(charge, record, tariffs);
  const SegmentCharge* const segment = charge.segment;
  const bool is_known = segment != nullptr && segment->is_known;
  if (is_known && segment->rating_group) append_number(segment->rating_group->value, out);
  out += ',';
  append_csv_text(names.service, out);
  out += ',';
  if (segment != nullptr) append_number(segment->units, out);
  out += ',';
  if (is_known) out += tariffs::unit_name(segment->unit);
  out += ',';
  append_csv_text(names.rule, out);
  out += ',';
  append_csv_text(names.tariff, out);
  out += ',';
  if (is_known) append_number(segment->version.value, out);
  out += ',';
  out += names.currency;
  out += ',';
  append_money(charge.charged_micros, out);
  out += ',';
  append_money(paid_micros(charge), out);
  out += ',';
  append_money(charge.overage_micros, out);
  out += ',';
  append_csv_allowances(record, charge, out);
}

void append_csv_attributes(const ChargingRecord& record, std::string& out) {
  std::uint8_t column = attributes_first;
  base::ByteReader in(record.attributes);
  std::string value;
  while (!in.at_end()) {
    const std::uint8_t id = in.u8();
    const std::string_view bytes = in.text();
    if (!in.ok() || id < column || id > attributes_last) continue;
    out.append(static_cast<std::size_t>(id - column) + 1, ',');
    column = static_cast<std::uint8_t>(id + 1);
    value.clear();
    append_attribute(id, bytes, value);
    append_csv_text(value, out);
  }
  out.append(static_cast<std::size_t>(attributes_last + 1 - column), ',');
}

void append_csv_tax(const Charge& charge, std::string& out) {
  const std::optional<Tax> tax = tax_of(charge);
  out += ',';
  if (tax) out += tax->rate.to_string();
  out += ',';
  if (tax) append_money(tax->amount.micros, out);
}

void append_csv(const ChargingRecord& record, const Who& who, TariffNames& tariffs,
                std::string& out) {
  std::string begin;
  append_csv_begin(record, who, begin);
  std::string attributes;
  append_csv_attributes(record, attributes);
  const std::size_t charges = for_each_charge(record, [](const Charge&) {});
  std::size_t number = 0;
  for_each_charge(record, [&](const Charge& charge) {
    out += begin;
    append_number(++number, out);
    out += ',';
    append_number(charges, out);
    out += ',';
    append_csv_charge(record, charge, tariffs, out);
    out += attributes;
    append_csv_tax(charge, out);
    out += ',';
    append_money(charge.others_micros, out);
    out += '\n';
  });
}

// --- JSON ----------------------------------------------------------------------------------------

void append_json_name(std::string_view name, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":";
}

void append_json_number(std::string_view name, std::uint64_t number, std::string& out) {
  append_json_name(name, out);
  append_number(number, out);
}

void append_json_field(std::string_view name, std::string_view text, std::string& out) {
  append_json_name(name, out);
  if (text.empty()) {
    out += "null";
  } else {
    append_json_text(text, out);
  }
}

void append_json_time(std::string_view name, const std::optional<Time>& time, std::string& out) {
  append_json_name(name, out);
  if (!time) {
    out += "null";
    return;
  }
  out += '"';
  append_time(*time, out);
  out += '"';
}

// Of a record, or of a charge.
template <class Charged>
void append_json_amounts(const Charged& charged, std::string& out) {
  out += ",\"charged\":\"";
  append_money(charged.charged_micros, out);
  out += "\",\"paid\":\"";
  append_money(paid_micros(charged), out);
  out += "\",\"overage\":\"";
  append_money(charged.overage_micros, out);
  out += "\",\"others\":\"";
  append_money(charged.others_micros, out);
  out += '"';
}

void append_json_charge(const ChargingRecord& record, const Charge& charge, TariffNames& tariffs,
                        std::string& out) {
  const ChargeNames names = names_of(charge, record, tariffs);
  const SegmentCharge* const segment = charge.segment;
  const bool is_known = segment != nullptr && segment->is_known;
  out += "{\"rating_group\":";
  if (is_known && segment->rating_group) {
    append_number(segment->rating_group->value, out);
  } else {
    out += "null";
  }
  append_json_field("service", names.service, out);
  append_json_number("units", segment != nullptr ? segment->units : 0, out);
  append_json_field("unit", is_known ? tariffs::unit_name(segment->unit) : "", out);
  append_json_field("rule", names.rule, out);
  append_json_field("tariff", names.tariff, out);
  out += ",\"tariff_version\":";
  if (is_known) {
    append_number(segment->version.value, out);
  } else {
    out += "null";
  }
  append_json_field("currency", names.currency, out);
  append_json_amounts(charge, out);
  if (const std::optional<Tax> tax = tax_of(charge)) {
    append_json_field("tax_rate", tax->rate.to_string(), out);
    out += ",\"tax\":\"";
    append_money(tax->amount.micros, out);
    out += '"';
  }
  out += ",\"allowances\":[";
  const char* comma = "";
  for (const AllowanceUse& use : record.allowances) {
    if (use.segment != charge.index || use.units == 0) continue;
    out += comma;
    out += "{\"bucket\":";
    append_number(use.bucket.value, out);
    out += ",\"units\":";
    append_number(use.units, out);
    out += '}';
    comma = ",";
  }
  out += "]}";
}

void append_json_attributes(const ChargingRecord& record, std::string& out) {
  out += ",\"network\":{";
  base::ByteReader in(record.attributes);
  bool is_first = true;
  std::string value;
  while (!in.at_end()) {
    const std::uint8_t id = in.u8();
    const std::string_view bytes = in.text();
    const std::string_view name = attribute_name(static_cast<AttributeId>(id));
    if (!in.ok() || name.empty()) continue;
    out += is_first ? "\"" : ",\"";
    out += name;
    out += "\":";
    is_first = false;
    value.clear();
    append_attribute(id, bytes, value);
    append_json_text(value, out);
  }
  out += '}';
}

void append_json(const ChargingRecord& record, const Who& who, TariffNames& tariffs,
                 std::string& out) {
  out += "{\"record\":\"";
  out += kind_name(record.kind);
  out += record.is_complete ? "\",\"complete\":true" : "\",\"complete\":false";
  append_json_field("account", who.name, out);
  append_json_number("account_number", record.account.value, out);
  append_json_field("msisdn", digits_of(who.msisdn), out);
  append_json_field("imsi", digits_of(who.imsi), out);
  append_json_field("session_id", record.session_id, out);
  append_json_field("service_context", record.service_context, out);
  append_json_time("opened_at", record.opened_at, out);
  append_json_time("closed_at", record.closed_at, out);
  append_json_time("first_used_at", record.first_used_at, out);
  append_json_time("last_used_at", record.last_used_at, out);
  append_json_number("requests", record.requests, out);
  append_json_number("first_entry", record.first.value, out);
  append_json_number("last_entry", record.last.value, out);
  append_json_amounts(record, out);
  out += ",\"charges\":[";
  const char* comma = "";
  for_each_charge(record, [&](const Charge& charge) {
    out += comma;
    comma = ",";
    append_json_charge(record, charge, tariffs, out);
  });
  out += ']';
  append_json_attributes(record, out);
  out += "}\n";
}

}  // namespace

std::string_view format_name(Format format) { return format == Format::csv ? "csv" : "json"; }

std::optional<Format> parse_format(std::string_view name) {
  if (name == "csv") return Format::csv;
  if (name == "json") return Format::json;
  return std::nullopt;
}

std::string header_line(Format format) {
  if (format == Format::json) return {};
  std::string line(columns);
  for (std::uint8_t id = attributes_first; id <= attributes_last; ++id) {
    line += ',';
    line += attribute_name(static_cast<AttributeId>(id));
  }
  return line + ",tax_rate,tax,others\n";
}

void append_record(Format format, const ChargingRecord& record, const Who& who,
                   TariffNames& tariffs, std::string& out) {
  if (format == Format::csv) {
    append_csv(record, who, tariffs, out);
  } else {
    append_json(record, who, tariffs, out);
  }
}

void append_attribute(std::uint8_t id, std::string_view value, std::string& out) {
  switch (form_of(id)) {
    case Form::number:
      if (value.size() == 1 || value.size() == 4) {
        std::uint32_t number = 0;
        for (char byte : value) number = number << 8 | static_cast<unsigned char>(byte);
        append_number(number, out);
        return;
      }
      break;
    case Form::address:
      if (append_address(value, out)) return;
      break;
    case Form::text:
      if (is_plain(value) ||
          (utf8_text(value) == value &&
           std::ranges::none_of(value, [](unsigned char c) { return c < ' '; }))) {
        out += value;
        return;
      }
      break;
    case Form::octets:
      break;
  }
  append_hex(value, out);
}

void append_time(Time time, std::string& out) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::milliseconds>(time - days));
  // A ledger's times are within these years; a broken one's could be any.
  append_digits<4>(static_cast<std::uint64_t>(std::max(static_cast<int>(date.year()), 0)), out);
  out += '-';
  append_digits<2>(static_cast<unsigned>(date.month()), out);
  out += '-';
  append_digits<2>(static_cast<unsigned>(date.day()), out);
  out += 'T';
  append_digits<2>(static_cast<std::uint64_t>(clock.hours().count()), out);
  out += ':';
  append_digits<2>(static_cast<std::uint64_t>(clock.minutes().count()), out);
  out += ':';
  append_digits<2>(static_cast<std::uint64_t>(clock.seconds().count()), out);
  out += '.';
  append_digits<3>(static_cast<std::uint64_t>(clock.subseconds().count()), out);
  out += 'Z';
}

}  // namespace farthing::engine::records
