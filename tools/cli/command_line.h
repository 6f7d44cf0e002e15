// The command line `farthing` as a function, so that tests can call it.
#pragma once

#include "tools/cli/context.h"

#include <string>
#include <vector>

namespace farthing::tools {

// `arguments` without the program's name. Gives the exit code: 0 done, 1 refused, 2 usage, 3 no
// server.
int run_command_line(std::vector<std::string> arguments, Terminal terminal,
                     Environment environment);

}  // namespace farthing::tools
