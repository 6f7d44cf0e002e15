#include "tools/cli/discovery.h"

#include "tools/cli/client.h"
#include "tools/cli/exit_codes.h"

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

namespace farthing::tools {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view demo_prefix = "farthing-demo-";

struct Demo {
  timespec made{};
  std::string socket;
};

bool is_newer(const Demo& a, const Demo& b) {
  if (a.made.tv_sec != b.made.tv_sec) return a.made.tv_sec > b.made.tv_sec;
  return a.made.tv_nsec > b.made.tv_nsec;
}

// The sockets of this user's demos, the newest first, alive or not.
std::vector<Demo> find_demos(const std::string& folder) {
  std::vector<Demo> demos;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (!at->path().filename().string().starts_with(demo_prefix)) continue;
    const std::string socket = (at->path() / "api.sock").string();
    struct stat status {};
    if (lstat(socket.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) continue;
    if (status.st_uid == getuid()) demos.push_back({status.st_mtim, socket});
  }
  std::sort(demos.begin(), demos.end(), is_newer);
  return demos;
}

}  // namespace

base::Result<std::string, Problem> find_server(const Environment& environment) {
  if (!environment.api.empty()) return environment.api;
  if (ApiClient(environment.standard_socket).reachable()) return environment.standard_socket;
  for (const Demo& demo : find_demos(environment.temporary_folder)) {
    if (ApiClient(demo.socket).reachable()) return demo.socket;
  }
  return Problem{
      exit_unreachable,
      fmt::format("no server is running: none at {}, and no demo in {}; start one with farthingd "
                  "--demo, or name its socket with --api PATH",
                  environment.standard_socket, environment.temporary_folder)};
}

}  // namespace farthing::tools
