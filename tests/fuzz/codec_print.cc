// What the decoder makes of frames, for compare_parsers:
//
//   codec_print FILE...
//   codec_print --write-all FOLDER
//
// For each file, which is one frame, a line "frame", a tab and 0 or the Result-Code of the refusal;
// then a line for each AVP, in the order of the frame: offset, code, vendor, flags, length with
// header, name, how its value is read and, of numbers, the value; between tabs. --write-all writes
// such files: a frame for each row of the dictionary, with one AVP behind a Session-Id.
#include "diameter/message.h"
#include "diameter/writer.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace farthing::diameter {
namespace {

const char* kind_of(const AvpDefinition& known) {
  switch (known.type) {
    case AvpType::unsigned32:
    case AvpType::enumerated:
    case AvpType::integer32:
    case AvpType::unsigned64:
    case AvpType::integer64:
      return "number";
    case AvpType::time:
      return "time";
    case AvpType::address:
      return "address";
    case AvpType::grouped:
      return (known.rules & avp_rule::opaque) != 0 ? "opaque" : "group";
    default:
      return "octets";
  }
}

// Of numbers; times in seconds since 1970. REQUIRES: the message was accepted.
std::string value_of(const Avp& avp) {
  switch (definition(avp.id).type) {
    case AvpType::unsigned32:
      return std::to_string(avp.u32());
    case AvpType::enumerated:  // derived from Integer32 (RFC 6733 4.3.1)
    case AvpType::integer32:
      return std::to_string(avp.i32());
    case AvpType::unsigned64:
      return std::to_string(avp.u64());
    case AvpType::integer64:
      return std::to_string(avp.i64());
    case AvpType::time: {
      const auto since = std::chrono::floor<std::chrono::seconds>(avp.time().time_since_epoch());
      return std::to_string(since.count());
    }
    default:
      return "";
  }
}

void print(const Avp& avp, bool is_accepted) {
  const std::string value = is_accepted ? value_of(avp) : "";
  std::printf("%u\t%u\t%u\t%u\t%zu\t%s\t%s\t%s\n", avp.offset, avp.code, avp.vendor, avp.flags,
              avp.raw().size(), std::string(name(avp.id)).c_str(), kind_of(definition(avp.id)),
              value.c_str());
}

bool print(const char* path) {
  static const auto message = std::make_unique<Message>();
  std::ifstream in(path, std::ios::binary);
  if (!in) return false;
  const std::string read{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const Bytes frame(reinterpret_cast<const std::uint8_t*>(read.data()), read.size());
  const auto decoded = decode(frame, *message);
  const auto code = decoded.has_value() ? 0u : static_cast<unsigned>(decoded.error().code);
  std::printf("frame\t%u\n", code);
  if (decoded.has_error() && decoded.error().is_fatal()) return true;
  for (const Avp& avp : message->tape()) print(avp, decoded.has_value());
  return true;
}

// One value that the type bears, not 0 where it is a number.
void put_any(Writer& writer, AvpId id) {
  const std::uint8_t address[] = {192, 0, 2, 1};
  switch (definition(id).type) {
    case AvpType::unsigned32:
    case AvpType::enumerated:
      return writer.put_u32(id, 1);
    case AvpType::integer32:
      return writer.put_i32(id, -1);
    case AvpType::unsigned64:
      return writer.put_u64(id, (std::uint64_t{1} << 63) + 1);
    case AvpType::integer64:
      return writer.put_i64(id, -1);
    case AvpType::time:
      return writer.put_time(id, base::Time(std::chrono::hours(24 * 365 * 50)));
    case AvpType::address:
      return writer.put_address(id, {Address::ipv4, address});
    case AvpType::grouped:
      writer.begin_group(id);
      return writer.end_group();
    default:
      return writer.put_text(id, "abcd");
  }
}

bool write_all(const std::string& folder) {
  Buffer frame;
  for (std::size_t n = 1; n < avp_count; ++n) {
    const auto id = static_cast<AvpId>(n);
    frame.clear();
    Writer writer(frame);
    writer.begin({command_flag::request, command::credit_control, 4, 1, 1});
    writer.put_text(AvpId::session_id, "client.example;1;1");
    put_any(writer, id);
    writer.finish();
    std::ofstream out(folder + "/" + std::string(name(id)), std::ios::binary);
    out.write(reinterpret_cast<const char*>(frame.data()),
              static_cast<std::streamsize>(frame.size()));
    if (!out) return false;
  }
  return true;
}

}  // namespace
}  // namespace farthing::diameter

int main(int count, char** arguments) {
  if (count == 3 && std::string_view(arguments[1]) == "--write-all") {
    return farthing::diameter::write_all(arguments[2]) ? 0 : 2;
  }
  for (int i = 1; i < count; ++i) {
    if (farthing::diameter::print(arguments[i])) continue;
    std::fprintf(stderr, "%s cannot be read\n", arguments[i]);
    return 2;
  }
  return 0;
}
