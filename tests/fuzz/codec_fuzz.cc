// Any octets as a Diameter message: what decode() says of them is true, nothing of what it hands
// out leaves the frame, and what it accepted can be encoded again as the same.
//
// Input: one frame. Played as it is, and once more with a header that can be believed.
#include "diameter/error_answer.h"
#include "diameter/message.h"
#include "diameter/text.h"
#include "diameter/writer.h"
#include "engine/base/assert.h"
#include "tests/fuzz/input.h"

#include <memory>
#include <vector>

namespace farthing::diameter {
namespace {

struct Messages {
  Message original;
  Message again;
  Message answer;
};

bool is_inside(Bytes part, Bytes whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

// AVPs that stand beside each other, from `begin` to `end` of the frame: each at the next multiple
// of four (RFC 6733 4.1). `is_whole`: there is nothing behind the last one but its padding.
void check_row(AvpRange row, std::size_t begin, std::size_t end, bool is_whole) {
  std::size_t at = begin;
  for (const Avp& avp : row) {
    FARTHING_ASSERT(avp.offset == at);
    at += (avp.raw().size() + 3) & ~std::size_t{3};
  }
  FARTHING_ASSERT(!is_whole || at >= end);
}

// The tape is a tree in pre-order, whose AVPs lie in the frame in that order.
void check_tape(const Message& message, bool is_accepted) {
  const std::span<const Avp> tape = message.tape();
  FARTHING_ASSERT(tape.size() <= avps_max);
  for (std::size_t i = 0; i < tape.size(); ++i) {
    const Avp& avp = tape[i];
    FARTHING_ASSERT(avp.end > i && avp.end <= tape.size());
    FARTHING_ASSERT(avp.depth < depth_max);
    FARTHING_ASSERT(is_inside(avp.raw(), message.frame()));
    FARTHING_ASSERT(avp.raw().data() == message.frame().data() + avp.offset);
    FARTHING_ASSERT(i == 0 || avp.offset > tape[i - 1].offset);
    FARTHING_ASSERT(avp.id == find_avp(avp.vendor, avp.code));
    for (const Avp& child : message.children(avp)) {
      FARTHING_ASSERT(child.depth == avp.depth + 1 && child.end <= avp.end);
      FARTHING_ASSERT(is_inside(child.raw(), avp.bytes()));
    }
    const std::size_t end = avp.offset + avp.raw().size();
    const bool is_group = shape(avp.id).has_avps;
    check_row(message.children(avp), end - avp.size_bytes, end, is_group && is_accepted);
  }
  check_row(message.avps(), header_size_bytes, message.frame().size(), is_accepted);
  std::size_t top = 0;
  for (const Avp& avp : message.avps()) {
    FARTHING_ASSERT(avp.depth == 0);
    FARTHING_ASSERT(message.find(avp.id) != nullptr);
    ++top;
  }
  FARTHING_ASSERT((top == 0) == tape.empty());
}

// Writes an AVP through the reader and the writer of its type.
void write_again(const Message& message, const Avp& avp, Writer& writer) {
  if (avp.id == AvpId::unknown || (definition(avp.id).rules & avp_rule::opaque) != 0) {
    return writer.copy(avp);
  }
  switch (definition(avp.id).type) {
    case AvpType::unsigned32:
    case AvpType::enumerated:
      return writer.put_u32(avp.id, avp.u32());
    case AvpType::integer32:
      return writer.put_i32(avp.id, avp.i32());
    case AvpType::unsigned64:
      return writer.put_u64(avp.id, avp.u64());
    case AvpType::integer64:
      return writer.put_i64(avp.id, avp.i64());
    case AvpType::time:
      return writer.put_time(avp.id, avp.time());
    case AvpType::address:
      return writer.put_address(avp.id, avp.address());
    case AvpType::float32:
    case AvpType::float64:
      return writer.copy(avp);
    case AvpType::grouped:
      writer.begin_group(avp.id);
      for (const Avp& child : message.children(avp)) write_again(message, child, writer);
      return writer.end_group();
    default:
      return writer.put_text(avp.id, avp.text());
  }
}

void expect_same(const Message& a, const Message& b, bool same_flags) {
  FARTHING_ASSERT(a.header().flags == b.header().flags);
  FARTHING_ASSERT(a.header().command == b.header().command);
  FARTHING_ASSERT(a.header().application == b.header().application);
  FARTHING_ASSERT(a.header().hop_by_hop == b.header().hop_by_hop);
  FARTHING_ASSERT(a.header().end_to_end == b.header().end_to_end);
  FARTHING_ASSERT(a.tape().size() == b.tape().size());
  for (std::size_t i = 0; i < a.tape().size(); ++i) {
    const Avp& left = a.tape()[i];
    const Avp& right = b.tape()[i];
    FARTHING_ASSERT(left.code == right.code && left.vendor == right.vendor);
    FARTHING_ASSERT(left.id == right.id && left.depth == right.depth && left.end == right.end);
    FARTHING_ASSERT(!same_flags || left.flags == right.flags);
    if (definition(left.id).type == AvpType::grouped)
      continue;  // padding inside may have been added
    FARTHING_ASSERT(std::ranges::equal(left.bytes(), right.bytes()));
  }
}

// REQUIRES: it was accepted.
void check_encoding(Messages& messages) {
  const Message& original = messages.original;
  Buffer buffer;
  Writer writer(buffer);
  writer.begin(original.header());
  for (const Avp& avp : original.avps()) write_again(original, avp, writer);
  FARTHING_ASSERT(writer.finish() == buffer.size());
  FARTHING_ASSERT(decode(buffer.bytes(), messages.again).has_value());
  expect_same(original, messages.again, false);

  buffer.clear();
  writer.begin(original.header());
  for (const Avp& avp : original.avps()) writer.copy(avp);
  writer.finish();
  FARTHING_ASSERT(decode(buffer.bytes(), messages.again).has_value());
  expect_same(original, messages.again, true);
  FARTHING_ASSERT(!to_text(original).empty());
}

// What is answered to a request that was refused can be read, up to what is sent back as it came.
void check_refusal(const DecodeError& error, Messages& messages) {
  const Message& request = messages.original;
  FARTHING_ASSERT(error.offset < request.frame().size());
  if (!request.header().is_request()) return;
  Buffer buffer;
  write_error_answer(buffer, request, {"ocs.example", "example", 1}, error.code, error.failed_avp);
  const auto read = decode(buffer.bytes(), messages.answer);
  if (read.has_error()) {
    const bool is_sent_back = read.error().failed_avp->code == 263 ||  // Session-Id, Proxy-Info
                              messages.answer.find(AvpId::proxy_info) != nullptr;
    FARTHING_ASSERT(!read.error().is_fatal() && is_sent_back);
  }
  const Avp* const result = messages.answer.find(AvpId::result_code);
  FARTHING_ASSERT(result != nullptr && result->u32() == static_cast<std::uint32_t>(error.code));
  FARTHING_ASSERT(messages.answer.header().is_error() == is_protocol_error(error.code));
  const bool has_failed_avp = messages.answer.find(AvpId::failed_avp) != nullptr;
  FARTHING_ASSERT(has_failed_avp == (error.code != ResultCode::invalid_hdr_bits));
}

void check_frame(Bytes frame, Messages& messages) {
  const auto decoded = decode(frame, messages.original);
  if (frame.size() >= 4) {
    const auto size = frame_size(frame.data(), 0xffffff);
    const bool is_whole = size.has_value() && *size == frame.size();
    FARTHING_ASSERT(is_whole == (decoded.has_value() || !decoded.error().is_fatal()));
  }
  if (decoded.has_error() && decoded.error().is_fatal()) return;
  const Message& message = messages.original;
  check_tape(message, decoded.has_value());
  const auto tape = message.tape();
  const bool begins_with_session = !tape.empty() && tape[0].id == AvpId::session_id;
  if (begins_with_session) FARTHING_ASSERT(session_id_of(frame) == tape[0].text());
  if (decoded.has_value()) {
    check_encoding(messages);
  } else {
    check_refusal(decoded.error(), messages);
  }
}

// As they came, but for the version and the length, which are right.
std::vector<std::uint8_t> with_sound_header(Bytes octets) {
  std::vector<std::uint8_t> frame(octets.begin(), octets.end());
  frame.resize(std::max(frame.size() & ~std::size_t{3}, header_size_bytes));
  frame[0] = 1;
  store_u24(&frame[1], static_cast<std::uint32_t>(frame.size()));
  return frame;
}

}  // namespace
}  // namespace farthing::diameter

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace farthing::diameter;
  static const auto messages = std::make_unique<Messages>();
  const Bytes octets(data, size);
  session_id_of(octets);
  check_frame(octets, *messages);
  check_frame(with_sound_header(octets), *messages);
  return 0;
}
