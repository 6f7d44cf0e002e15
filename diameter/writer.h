// Writer: encodes Diameter messages at the end of a caller's Buffer.
//
//   Writer writer(buffer);
//   writer.begin_answer(request.header());
//   writer.put_text(AvpId::session_id, session_id);
//   writer.put_u32(AvpId::result_code, 2001);
//   writer.begin_group(AvpId::multiple_services_credit_control);
//   writer.put_u32(AvpId::rating_group, 10);
//   writer.end_group();
//   writer.finish();                        // Patches the message length; the buffer holds it
//   whole.
//
// Code, vendor, V and M bits come from the dictionary; padding and lengths are looked after.
// Allocates only where the buffer has to grow. Several messages may be written one after the other
// with the same Writer. The put functions assert that the AVP has the type that they write: using
// another one is a defect of ours, as is a message over 16 MiB.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "diameter/buffer.h"
#include "diameter/dictionary.h"
#include "diameter/message.h"
#include "engine/base/time.h"

namespace farthing::diameter {

class Writer {
 public:
  explicit Writer(Buffer& out) : out_(out) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void begin(const Header& header);
  // The header of an answer: command, application, identifiers and P bit of the request (RFC 6733
  // 3, 6.2), R and T clear, E as asked for (RFC 6733 7.2).
  void begin_answer(const Header& request, bool error = false);

  void put_u32(AvpId id, std::uint32_t value);  // Unsigned32 and Enumerated.
  void put_i32(AvpId id, std::int32_t value);   // Integer32 and Enumerated.
  void put_u64(AvpId id, std::uint64_t value);
  void put_i64(AvpId id, std::int64_t value);
  void put_time(AvpId id, base::Time time);
  void put_text(AvpId id, std::string_view text);  // All types made of octets, Address excepted.
  void put_bytes(AvpId id, Bytes bytes);
  void put_address(AvpId id, const Address& address);
  void put_result(ResultCode code) {
    put_u32(AvpId::result_code, static_cast<std::uint32_t>(code));
  }

  void begin_group(AvpId id);
  void end_group();

  // An AVP as it came, header and all that is inside it. The M and V bits stay as they were.
  void copy(const Avp& avp);
  // Every AVP of this id at the top level of a message, in their order (RFC 6733 6.2: Proxy-Info).
  void copy_all(const Message& message, AvpId id);

  void put_failed_avp(const FailedAvp& failed);

  // Returns the size of the message in octets. REQUIRES: every group is ended.
  std::size_t finish();
  // Takes back everything since begin().
  void discard() { out_.truncate(message_at_); }

 private:
  std::uint8_t* put_header(std::uint8_t* at, std::uint32_t code, std::uint8_t flags,
                           std::uint32_t vendor, std::size_t size_bytes);
  std::uint8_t* begin_value(const AvpDefinition& avp, std::size_t size_bytes);
  void open(std::uint32_t code, std::uint8_t flags, std::uint32_t vendor);

  Buffer& out_;
  std::size_t message_at_ = 0;
  // Room for the groups of a Failed-AVP around those of the message.
  std::array<std::size_t, depth_max + 4> groups_at_{};
  std::size_t depth_ = 0;
};

}  // namespace farthing::diameter
