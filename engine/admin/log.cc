#include "engine/admin/log.h"

#include <fmt/format.h>
#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <memory>

namespace farthing::engine::admin {

namespace {

constexpr std::size_t lines_waiting_max = 8192;
constexpr const char* logger_name = "farthing";

// A control character in a line could write to a terminal or forge another line.
std::string printable(std::string_view line) {
  std::string text(line);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  constexpr std::array levels = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                 spdlog::level::err};
  return levels[static_cast<std::size_t>(level)];
}

}  // namespace

base::Result<void, std::string> start_log(const LogOptions& options) {
  spdlog::sink_ptr sink;
  try {
    if (options.file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
    }
  } catch (const spdlog::spdlog_ex& problem) {
    return fmt::format(
        "the log file {} cannot be opened ({}); choose another with the key log.file", options.file,
        problem.what());
  }
  spdlog::init_thread_pool(lines_waiting_max, 1);
  auto logger =
      std::make_shared<spdlog::async_logger>(logger_name, std::move(sink), spdlog::thread_pool(),
                                             spdlog::async_overflow_policy::overrun_oldest);
  logger->set_level(spdlog_level(options.level));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->flush_on(spdlog::level::info);
  spdlog::register_logger(std::move(logger));
  return {};
}

void stop_log() { spdlog::shutdown(); }

void log(LogLevel level, std::string_view line) {
  if (const auto logger = spdlog::get(logger_name)) {
    logger->log(spdlog_level(level), "{}", printable(line));
  }
}

}  // namespace farthing::engine::admin
