// Records as text: CSV (RFC 4180, lines end in LF) or JSON lines, as docs/records.md describes
// field by field.
//
// Everything in a record that came over a wire is written as UTF-8, quoted or escaped; bytes that
// are no text as 0x and hexadecimal digits. Threads: one at a time.
#pragma once

#include "engine/records/names.h"
#include "engine/records/record.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace farthing::engine::records {

enum class Format : std::uint8_t { csv, json };

std::string_view format_name(Format format);  // "csv", "json"
// The inverse; nullopt for anything else.
std::optional<Format> parse_format(std::string_view name);

// The first line of each file; "" for JSON.
std::string header_line(Format format);

// Appends the record: in CSV one line for each price segment, in JSON one line.
void append_record(Format format, const ChargingRecord& record, const Who& who,
                   TariffNames& tariffs, std::string& out);

// An attribute's value for people, by what its AVP is: text, a number, an address.
void append_attribute(std::uint8_t id, std::string_view value, std::string& out);

// "2026-06-01T08:00:00.000Z".
void append_time(Time time, std::string& out);

}  // namespace farthing::engine::records
