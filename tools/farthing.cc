// farthing: the command line. tools/cli has its commands.
#include "tools/cli/command_line.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

namespace {

std::string environment_value(const char* name, const char* absent) {
  const char* const value = std::getenv(name);
  return value == nullptr || *value == '\0' ? absent : value;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace farthing::tools;
  std::signal(SIGPIPE, SIG_IGN);  // a server that goes away is an error, not an end
  std::ios::sync_with_stdio(false);
  const bool plain = std::getenv("NO_COLOR") != nullptr;
  const Terminal terminal{std::cout, std::cerr, isatty(STDOUT_FILENO) == 1 && !plain,
                          isatty(STDERR_FILENO) == 1};
  Environment environment;
  environment.api = environment_value("FARTHING_API", "");
  environment.temporary_folder = environment_value("TMPDIR", "/tmp");
  const int code =
      run_command_line(std::vector<std::string>(argv + 1, argv + argc), terminal, environment);
  std::cout.flush();
  return code;
}
