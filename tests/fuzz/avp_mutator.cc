// How libFuzzer changes inputs that are Diameter messages, one behind the other: mostly AVP by AVP,
// with all lengths kept right, so that what lies behind the decoder is reached; else octet by
// octet.
#include "diameter/message.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <random>
#include <vector>

extern "C" {
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                    unsigned int seed);
}

namespace farthing::diameter {
namespace {

using Octets = std::vector<std::uint8_t>;

std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

class AvpMutator {
 public:
  explicit AvpMutator(unsigned int seed) : random_(seed) {}

  // False: there is no message that can be changed so.
  bool mutate(Octets& stream) {
    const std::vector<std::size_t> ends = ends_of(stream);
    if (ends.empty()) return false;
    const std::size_t n = below(ends.size());
    const auto begin = stream.begin() + static_cast<std::ptrdiff_t>(n == 0 ? 0 : ends[n - 1]);
    const auto end = stream.begin() + static_cast<std::ptrdiff_t>(ends[n]);
    Octets frame(begin, end);
    Octets changed;
    switch (below(12)) {
      case 0:  // once more
        changed = frame;
        changed.insert(changed.end(), frame.begin(), frame.end());
        break;
      case 1:  // or no longer
        break;
      case 2:
        changed = frame;
        mutate_header(changed);
        break;
      default:
        changed = frame;
        if (!mutate_avp(changed)) return false;
    }
    changed.insert(changed.end(), end, stream.end());
    stream.resize(static_cast<std::size_t>(begin - stream.begin()));
    stream.insert(stream.end(), changed.begin(), changed.end());
    return !stream.empty();
  }

 private:
  std::size_t below(std::size_t end) { return random_() % end; }

  static std::vector<std::size_t> ends_of(const Octets& stream) {
    std::vector<std::size_t> ends;
    for (std::size_t at = 0; stream.size() - at >= header_size_bytes;) {
      const auto size = frame_size(&stream[at], 0xffffff);
      if (size.has_error() || *size > stream.size() - at) break;
      at += *size;
      ends.push_back(at);
    }
    return ends;
  }

  void mutate_header(Octets& frame) {
    constexpr std::size_t fields_at = 4;  // behind version and length
    constexpr std::size_t fields_size = header_size_bytes - fields_at;
    LLVMFuzzerMutate(&frame[fields_at], fields_size, fields_size);
  }

  bool mutate_avp(Octets& frame) {
    const auto decoded = decode(frame, message());
    if (decoded.has_error() && decoded.error().is_fatal()) return false;
    const auto tape = message().tape();
    if (tape.empty()) return false;
    const Avp& avp = tape[below(tape.size())];
    const Avp& other = tape[below(tape.size())];
    const Bytes raw = avp.raw();
    Octets changed(raw.begin(), raw.end());
    const std::size_t header = raw.size() - avp.size_bytes;
    switch (below(6)) {
      case 0:
        changed.clear();
        return put(frame, avp, changed);
      case 1:
        changed.resize(padded(changed.size()));
        changed.insert(changed.end(), raw.begin(), raw.end());
        return put(frame, avp, changed);
      case 2: {  // beside another one
        const Bytes more = other.raw();
        changed.resize(padded(changed.size()));
        changed.insert(changed.end(), more.begin(), more.end());
        return put(frame, avp, changed);
      }
      case 3: {  // another one's place
        const Bytes more = other.raw();
        return put(frame, avp, Octets(more.begin(), more.end()));
      }
      case 4:
        become_another(changed);
        break;
      default: {
        constexpr std::size_t more_max = 32;
        changed.resize(raw.size() + more_max);
        changed.resize(
            header + LLVMFuzzerMutate(&changed[header], avp.size_bytes, avp.size_bytes + more_max));
        // A value of fixed size keeps it.
        const std::size_t fixed = shape(avp.id).size_bytes;
        if (fixed != 0) changed.resize(header + fixed);
      }
    }
    store_u24(&changed[5], static_cast<std::uint32_t>(changed.size()));
    return put(frame, avp, changed);
  }

  // Any AVP of the dictionary, with as much of the value as it takes.
  void become_another(Octets& avp) {
    const auto id = static_cast<AvpId>(1 + below(avp_count - 1));
    const AvpDefinition& known = definition(id);
    const std::size_t header = (avp[4] & avp_flag::vendor) != 0 ? 12 : 8;
    Octets value(avp.begin() + static_cast<std::ptrdiff_t>(header), avp.end());
    value.resize(std::clamp<std::size_t>(value.size(), known.size_bytes_min, known.size_bytes_max));
    avp.assign(known.vendor != 0 ? 12 : 8, 0);
    store_u32(avp.data(), known.code);
    avp[4] = known.flags;
    if (known.vendor != 0) store_u32(&avp[8], known.vendor);
    avp.insert(avp.end(), value.begin(), value.end());
  }

  // Puts octets in the place of an AVP of the message, and makes what it stands in so much longer.
  bool put(Octets& frame, const Avp& avp, Octets changed) {
    changed.resize(padded(changed.size()));
    const std::size_t size = std::min(padded(avp.raw().size()), frame.size() - avp.offset);
    const std::size_t more = changed.size() - size;  // wraps around where it is less
    const auto grow = [&](std::size_t field) {
      store_u24(&frame[field], static_cast<std::uint32_t>(load_u24(&frame[field]) + more));
    };
    grow(1);
    std::uint8_t depth = avp.depth;
    for (std::size_t i = message().index(avp); depth > 0;) {
      const Avp& group = message().tape()[--i];
      if (group.depth >= depth) continue;
      depth = group.depth;
      grow(group.offset + 5);
    }
    const auto at = frame.begin() + avp.offset;
    const auto behind = at + static_cast<std::ptrdiff_t>(size);
    changed.insert(changed.end(), behind, frame.end());
    frame.erase(at, frame.end());
    frame.insert(frame.end(), changed.begin(), changed.end());
    return true;
  }

  static Message& message() {
    static const auto one = std::make_unique<Message>();
    return *one;
  }

  std::minstd_rand random_;
};

}  // namespace
}  // namespace farthing::diameter

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                    unsigned int seed) {
  farthing::diameter::AvpMutator mutator(seed);
  if (seed % 4 != 0) {
    std::vector<std::uint8_t> stream(data, data + size);
    if (mutator.mutate(stream) && stream.size() <= max_size) {
      std::ranges::copy(stream, data);
      return stream.size();
    }
  }
  return LLVMFuzzerMutate(data, size, max_size);
}
