// A CCR-U as a PGW sends it, and the CCA to it: what the allocation test and the codec benchmark
// decode and encode.
#pragma once

#include "diameter/message.h"
#include "diameter/writer.h"

namespace farthing::diameter::testing {

// About 570 octets, with PS-Information.
void write_sample_request(Buffer& out);

// The CCA that grants the next quota, as the decoded request asks for it.
void write_sample_answer(Buffer& out, const Message& request);

}  // namespace farthing::diameter::testing
