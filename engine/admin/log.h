// The log of a program: one line an event, to stderr or a file, written by a thread of its own so
// that nobody waits for it. Lines that come faster than they can be written push out older ones.
//
// Never called on the way of a request. Identities go through mask.h first. Threads: any, between
// start_log and stop_log; before and after, nothing is written.
#pragma once

#include "engine/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace farthing::engine::admin {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct LogOptions {
  std::string file;  // empty: stderr
  LogLevel level = LogLevel::info;
};

base::Result<void, std::string> start_log(const LogOptions& options);
void stop_log();  // writes out what is waiting

void log(LogLevel level, std::string_view line);

}  // namespace farthing::engine::admin
