// FARTHING_ASSERT: an invariant of the program, checked in release builds too.
//
// For states that only a defect of ours can reach. Nothing that a peer, a file or a caller sends
// may ever reach one: such input is refused with a value error. A failed assertion prints one line
// and aborts; the ledger makes that safe (nothing unsaved was promised).
#pragma once

#include <cstdio>
#include <cstdlib>

namespace farthing::base {

[[noreturn, gnu::cold]] inline void assertion_failed(const char* condition, const char* file,
                                                     int line) {
  std::fprintf(stderr, "farthing: assertion failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace farthing::base

#define FARTHING_ASSERT(condition) \
  (static_cast<bool>(condition)    \
       ? void()                    \
       : ::farthing::base::assertion_failed(#condition, __FILE__, __LINE__))
