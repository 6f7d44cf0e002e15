// Which server the command line talks to where nobody said.
#pragma once

#include "engine/base/result.h"

#include <string>

namespace farthing::tools {

// Why a command cannot go on.
struct Problem {
  int exit_code = 0;
  std::string message;  // with the remedy
};

struct Environment {
  std::string api;                                         // $FARTHING_API
  std::string temporary_folder = "/tmp";                   // $TMPDIR
  std::string standard_socket = "/run/farthing/api.sock";  // of an installed server
};

// The environment's socket; else the installed server's where one answers; else that of this user's
// newest live demo (farthing-demo-*/api.sock in the temporary folder). The error says what to do.
base::Result<std::string, Problem> find_server(const Environment& environment);

}  // namespace farthing::tools
