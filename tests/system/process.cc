#include "tests/system/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace farthing::test {

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::string read_file(const std::string& name) {
  std::ifstream in(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// In the child: only calls that are safe after fork().
[[noreturn]] void become(char* const* arguments, int out, int err, pid_t parent,
                         std::uint64_t file_size_bytes_max) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (file_size_bytes_max > 0) {
    const rlimit limit{file_size_bytes_max, file_size_bytes_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    ::signal(SIGXFSZ, SIG_IGN);  // So that the write fails instead.
  }
  if (getppid() != parent) _exit(126);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  execv(arguments[0], arguments);
  _exit(127);
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const TempFolder& folder,
                 std::uint64_t file_size_bytes_max) {
  static std::atomic<int> count = 0;
  error_file_ = folder.file("stderr." + std::to_string(++count));
  std::array<int, 2> pipe_ends{};
  if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) fail("pipe2");
  const int err = open(error_file_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (err < 0) fail("open " + error_file_);

  std::vector<char*> pointers;
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) become(pointers.data(), pipe_ends[1], err, parent, file_size_bytes_max);
  close(err);
  close(pipe_ends[1]);
  out_ = pipe_ends[0];
  if (pid_ < 0) fail("fork");
}

Process::~Process() {
  if (!ended_) {
    signal(SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(out_);
}

void Process::signal(int number) const { ::kill(pid_, number); }

std::string Process::error_output() const { return read_file(error_file_); }

bool Process::read_more(std::chrono::steady_clock::time_point until) {
  using std::chrono::milliseconds;
  const auto left =
      std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
  pollfd wanted{out_, POLLIN, 0};
  const int ready = poll(&wanted, 1, static_cast<int>(std::max(left, milliseconds(0)).count()));
  if (ready < 0) fail("poll");
  if (ready == 0)
    throw std::runtime_error("it took too long; its standard error: " + error_output());
  std::array<char, 65536> chunk;
  const ssize_t got = read(out_, chunk.data(), chunk.size());
  if (got < 0) fail("read");
  unread_.append(chunk.data(), static_cast<std::size_t>(got));
  return got > 0;
}

std::optional<std::string> Process::read_line() {
  const auto until = std::chrono::steady_clock::now() + patience;
  std::size_t end = unread_.find('\n');
  for (; end == std::string::npos; end = unread_.find('\n')) {
    if (!read_more(until)) return std::nullopt;
  }
  std::string line = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  return line;
}

Exit Process::wait(std::chrono::seconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (read_more(until)) {
  }
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) fail("waitpid");
  ended_ = true;
  Exit exit;
  exit.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  exit.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  exit.out = std::move(unread_);
  exit.err = error_output();
  return exit;
}

Exit run(const std::vector<std::string>& arguments, const TempFolder& folder,
         std::chrono::seconds timeout) {
  return Process(arguments, folder).wait(timeout);
}

std::string program(const std::string& name) { return std::string(FARTHING_PROGRAMS "/") + name; }

Farthingd Farthingd::demo(const TempFolder& folder, std::uint16_t port,
                          std::uint64_t file_size_bytes_max) {
  const std::vector<std::string> arguments = {"--demo", "--port", std::to_string(port), "--data",
                                              folder.file("data")};
  return Farthingd(arguments, folder, file_size_bytes_max);
}

Farthingd::Farthingd(const std::vector<std::string>& arguments, const TempFolder& folder,
                     std::uint64_t file_size_bytes_max)
    : folder_(&folder) {
  std::vector<std::string> all = {program("farthingd")};
  all.insert(all.end(), arguments.begin(), arguments.end());
  process_ = std::make_unique<Process>(all, folder, file_size_bytes_max);
  const std::string line = process_->read_line().value_or("(nothing)");
  // ready diameter=HOST:PORT api=PATH data=DIR
  const auto field = [&line](const std::string& name) {
    const std::size_t at = line.find(" " + name + "=");
    if (!line.starts_with("ready ") || at == std::string::npos) return std::string();
    const std::size_t from = at + name.size() + 2;
    return line.substr(from, line.find(' ', from) - from);
  };
  const std::string endpoint = field("diameter");
  api_ = field("api");
  data_ = field("data");
  if (endpoint.empty() || api_.empty() || data_.empty()) {
    throw std::runtime_error("farthingd is not ready: " + line + "; " + process_->error_output());
  }
  port_ = static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
}

Exit Farthingd::stop() {
  process_->signal(SIGTERM);
  return process_->wait();
}

void Farthingd::kill() {
  process_->signal(SIGKILL);
  process_->wait();
}

Exit Farthingd::farthing(std::vector<std::string> arguments) const {
  const std::vector<std::string> first = {program("farthing"), "--api", api_};
  arguments.insert(arguments.begin(), first.begin(), first.end());
  return run(arguments, *folder_);
}

std::string Farthingd::balance_field(const std::string& account, const char* field) const {
  const Exit shown = farthing({"balance", "show", account, "--json"});
  if (shown.code != 0) throw std::runtime_error("no balance of " + account + ": " + shown.err);
  return std::string(boost::json::parse(shown.out).at(field).as_string());
}

std::string Farthingd::balance(const std::string& account) const {
  return balance_field(account, "balance");
}
std::string Farthingd::reserved(const std::string& account) const {
  return balance_field(account, "reserved");
}

}  // namespace farthing::test
