// Any octets as a capture file: what is read of it are whole messages.
//
// Input: the file.
#include "diameter/message.h"
#include "diameter/pcap.h"
#include "engine/base/assert.h"
#include "tests/fuzz/input.h"

#include <memory>

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace farthing::diameter;
  static const auto message = std::make_unique<Message>();
  const auto read = read_pcap({reinterpret_cast<const char*>(data), size});
  if (read.has_error()) {
    FARTHING_ASSERT(!read.error().empty());
    return 0;
  }
  std::size_t octets = 0;
  for (const CapturedMessage& captured : *read) {
    const auto decoded = decode(captured.frame, *message);
    FARTHING_ASSERT(decoded.has_value() || !decoded.error().is_fatal());
    octets += captured.frame.size();
  }
  FARTHING_ASSERT(octets <= size);
  return 0;
}
