// What every command has at hand: where to print, which server to ask, and how answers and errors
// are shown. Exit codes are the command line's own.
#pragma once

#include "tools/cli/client.h"
#include "tools/cli/discovery.h"
#include "tools/cli/exit_codes.h"
#include "tools/cli/table.h"

#include <boost/json/fwd.hpp>

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

namespace farthing::tools {

struct Terminal {
  std::ostream& out;
  std::ostream& err;
  bool colours = false;   // out is a terminal
  bool progress = false;  // err is one
};

class Context {
 public:
  Context(Terminal terminal, Environment environment)
      : terminal_(terminal), environment_(std::move(environment)) {}

  // What options set, and the command that they chose.
  std::string api;
  bool json = false;
  std::function<int()> command;

  std::ostream& out() const { return terminal_.out; }
  void print(const Table& table) const { table.print(terminal_.out, terminal_.colours); }
  // "farthing: message" on stderr; gives the code back.
  int fail(int code, std::string_view message) const;
  // The same of what does not keep the command from being done.
  void warn(std::string_view message) const { (void)fail(exit_done, message); }
  // On stderr as it is: "file:line:column: message", which editors know.
  void tell(std::string_view line) const;

  // Asks the server and shows the answer: as it is with --json, else by `show`.
  using Show = std::function<void(const boost::json::value&)>;
  int get(const std::string& target, const Show& show) const;
  int send(const char* method, const std::string& target, std::string_view body,
           const Show& show) const;
  // The same for a job that tells how far it has got. `show` gives the exit code.
  using ShowJob = std::function<int(const boost::json::value&)>;
  // `csv` takes the pieces of a text that comes before the reply; where it wants no more, it says
  // why itself, and the code is exit_refused.
  int run_job(const std::string& target, std::string_view body, const ShowJob& show,
              const ApiClient::Sink& csv = {}) const;

  // Copies a long answer to stdout as it comes, or to `sink`. What is missing from it is said on
  // stderr.
  int copy(const std::string& target) const;
  int copy(const std::string& target, const ApiClient::Sink& sink) const;

  // Asks once and gives the answer as it is, whatever its status; prints nothing.
  base::Result<ApiAnswer, Problem> fetch(const std::string& target,
                                         const char* method = "GET") const;
  // Shows why an answer refuses: the message, and the places in a file where there are any. Gives
  // the exit code.
  int refused(std::string_view body) const;

  // A line of progress that the next one overwrites; "" clears it.
  void progress(std::string_view line) const;
  bool shows_progress() const { return terminal_.progress; }

 private:
  // Finds the server and asks it; the code where that failed.
  int ask(const char* method, const std::string& target, std::string_view body,
          const ApiClient::Sink& sink, const ApiClient::Sent& sent, ApiAnswer& answer) const;
  base::Result<std::string, Problem> server_path() const;

  Terminal terminal_;
  Environment environment_;
};

// A member of a JSON object as text: a text without quotes, "" for null or absent.
std::string field(const boost::json::value& object, std::string_view name);

}  // namespace farthing::tools
