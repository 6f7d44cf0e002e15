#include "tools/cli/trace_writers.h"

#include "diameter/exchange_text.h"
#include "diameter/raw_avps.h"
#include "diameter/text.h"

#include <boost/json.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <filesystem>
#include <ostream>

namespace farthing::tools {

namespace json = boost::json;
using diameter::Header;

namespace {

constexpr std::size_t asked_max = 10'000;  // requests that are never answered

bool is_credit_control(const Header& header) {
  return header.command == diameter::command::credit_control &&
         header.application == diameter::application::credit_control;
}

// At least a header, and as long as it says.
bool is_whole(diameter::Bytes frame) {
  if (frame.size() < diameter::header_size_bytes) return false;
  const auto size = diameter::frame_size(frame.data(), 1u << 24);
  return size.has_value() && *size == frame.size();
}

std::optional<std::vector<std::uint8_t>> octets_of(std::string_view hex) {
  std::vector<std::uint8_t> octets;
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (hex.size() % 2 != 0) return std::nullopt;
  octets.reserve(hex.size() / 2);
  for (std::size_t at = 0; at < hex.size(); at += 2) {
    const int high = digit(hex[at]);
    const int low = digit(hex[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    octets.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return octets;
}

std::string time_text(base::Time at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", seconds, (at - seconds).count());
}

std::string open_new(std::ofstream& out, const std::string& file) {
  std::error_code error;
  if (std::filesystem::exists(file, error)) return file + " is there already; give another name";
  out.open(file, std::ios::binary);
  return out ? "" : file + " cannot be written";
}

// What Message cannot take in stands as octets.
std::string hex_text(diameter::Bytes frame) {
  std::string text = "no sound message:";
  for (std::size_t i = 0; i < frame.size(); ++i) {
    text += fmt::format("{}{:02x}", i % 32 == 0 ? "\n  " : "", frame[i]);
  }
  return text + "\n";
}

}  // namespace

std::optional<ToldMessage> ToldMessage::parse(std::string_view line) {
  json::error_code error;
  const json::value value = json::parse(line, error);
  const json::object* const told = error ? nullptr : value.if_object();
  if (told == nullptr || !told->contains("frame")) return std::nullopt;
  const auto text = [told](const char* key) -> std::string {
    const json::value* const found = told->if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
  };
  const auto number = [told](const char* key) -> std::int64_t {
    const json::value* const found = told->if_contains(key);
    return found != nullptr && found->is_int64() ? found->get_int64() : 0;
  };
  const auto frame = octets_of(text("frame"));
  if (!frame || !is_whole(*frame)) return std::nullopt;
  ToldMessage message;
  message.at = base::Time(base::Duration(number("time_us")));
  message.connection = static_cast<std::uint64_t>(number("connection"));
  message.peer = text("peer");
  message.address = text("address");
  const json::value* const received = told->if_contains("received");
  message.is_received = received != nullptr && received->is_bool() && received->get_bool();
  message.frame = *frame;
  message.entry = static_cast<std::uint64_t>(number("entry"));
  return message;
}

// --- Text ----------------------------------------------------------------------------------------

std::string TextTrace::answer_time(const ToldMessage& message, const Header& header) {
  const std::pair key(message.connection, header.hop_by_hop);
  if (header.is_request()) {
    if (asked_.size() >= asked_max) asked_.clear();
    asked_[key] = message.at;
    return "";
  }
  const auto asked = asked_.extract(key);
  if (asked.empty()) return "";
  const std::chrono::duration<double, std::milli> took = message.at - asked.mapped();
  return fmt::format(", after {:.2f} ms", took.count());
}

void TextTrace::add(const ToldMessage& message) {
  const std::string peer = message.peer.empty() ? message.address : message.peer;
  const Header header = diameter::header_of(message.frame);
  const bool decoded = diameter::decode(message.frame, message_).has_value();
  out_ << fmt::format("{}  {}{}\n", time_text(message.at),
                      message.is_received ? peer + " -> server" : "server -> " + peer,
                      answer_time(message, header));
  if (!decoded && message_.tape().empty()) {
    out_ << hex_text(message.frame);
  } else if (!is_brief_) {
    out_ << diameter::to_text(message_);
  } else if (decoded && is_credit_control(header)) {
    out_ << (header.is_request()
                 ? diameter::request_lines(message_, message.at, diameter::Detail::brief)
                 : diameter::answer_lines(message_, message.at));
  } else {
    const std::string text = diameter::to_text(message_);
    out_ << text.substr(0, text.find('\n') + 1);
  }
  out_.flush();
}

// --- Capture -------------------------------------------------------------------------------------

std::string CaptureTrace::open(const std::string& file) {
  if (std::string wrong = open_new(out_, file); !wrong.empty()) return wrong;
  out_ << diameter::PcapWriter::file_header() << std::flush;
  return "";
}

void CaptureTrace::add(const ToldMessage& message) {
  out_ << writer_.packets(message.connection, message.is_received, message.at, message.frame)
       << std::flush;
}

// --- Transcript ----------------------------------------------------------------------------------

std::string TranscriptTrace::open(const std::string& file) {
  if (std::string wrong = open_new(out_, file); !wrong.empty()) return wrong;
  out_ << "# Traced; played with the tariff and the subscribers of the demo, unless a line\n"
          "# \"! tariff FILE\" says otherwise.\n"
       << std::flush;
  return "";
}

void TranscriptTrace::add(const ToldMessage& message) {
  const Header header = diameter::header_of(message.frame);
  if (!is_credit_control(header) || message.is_received != header.is_request()) return;
  if (!diameter::decode(message.frame, message_).has_value()) return;
  const std::pair key(message.connection, header.hop_by_hop);
  if (header.is_request()) {
    if (asked_.size() >= asked_max) asked_.clear();
    asked_[key] = {message.at,
                   diameter::request_lines(message_, message.at, diameter::Detail::whole)};
    return;
  }
  const auto asked = asked_.extract(key);
  if (asked.empty()) return;
  const base::Time at = asked.mapped().at;
  const auto since = std::chrono::floor<std::chrono::seconds>(at - written_.value_or(at));
  if (since.count() > 0) out_ << fmt::format("+ {}\n", since.count());
  written_ = written_.value_or(at) + std::max(since, std::chrono::seconds(0));
  out_ << asked.mapped().lines << diameter::answer_lines(message_, at) << std::flush;
}

}  // namespace farthing::tools
