// farthing-load: the load generator. Plays many charging sessions against a Diameter server,
// measures rate and latency, and audits the balances afterwards.
#include "tools/load/api_client.h"
#include "tools/load/audit.h"
#include "tools/load/driver.h"

#include <charconv>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace {

using namespace farthing::load;

constexpr int exit_ok = 0;
constexpr int exit_wrong = 1;
constexpr int exit_usage = 2;
constexpr int exit_not_reachable = 3;

struct Arguments {
  LoadOptions load;
  std::string api;
  std::string balance = "1000000.00";
  bool no_audit = false;
  bool json = false;
};

constexpr const char* examples = R"(
Examples:
  farthing-load --connect 127.0.0.1:3868 --api /run/farthing/api.sock --in-flight 256 --seconds 10
  farthing-load --connect 127.0.0.1:3868 --api PATH --rate 20000 --updates-per-session 20 --json
  farthing-load --connect 127.0.0.1:3868 --in-flight 1      (any Gy/Ro server; no audit)

Exit codes: 0 done, 1 errors or a wrong audit, 2 usage, 3 server not reachable)";

void parse_address(const std::string& text, LoadOptions& load) {
  const std::size_t colon = text.rfind(':');
  const char* const end = text.data() + text.size();
  std::from_chars_result port{end, std::errc::invalid_argument};
  if (colon != std::string::npos) {
    port = std::from_chars(text.data() + colon + 1, end, load.port);
  }
  if (port.ec != std::errc() || port.ptr != end || load.port == 0 || colon == 0) {
    throw CLI::ValidationError("--connect", "expected HOST:PORT");
  }
  load.host = text.substr(0, colon);
  if (load.host.starts_with('[') && load.host.ends_with(']')) {
    load.host = load.host.substr(1, load.host.size() - 2);
  }
}

void add_pacing_options(CLI::App& app, LoadOptions& load);

void add_options(CLI::App& app, Arguments& arguments) {
  LoadOptions& load = arguments.load;
  app.add_option_function<std::string>(
         "--connect", [&load](const std::string& text) { parse_address(text, load); },
         "Diameter server")
      ->type_name("HOST:PORT")
      ->required();
  app.add_option_function<std::string>(
         "--tls",
         [&load](const std::string& file) {
           load.tls = farthing::load::TlsClient::open(file);
           if (load.tls == nullptr) {
             throw CLI::ValidationError("--tls", file + " has no certificates of authorities");
           }
         },
         "TLS from the first octet on; the server's certificate must be signed by one of these")
      ->type_name("CA.pem");
  app.add_option("--api", arguments.api,
                 "The server's API socket: creates missing subscribers and audits balances")
      ->type_name("PATH");
  app.add_flag("--no-audit", arguments.no_audit, "Create subscribers, but do not audit");
  app.add_option("--first-msisdn", load.first_msisdn, "The first subscriber; the others follow")
      ->check(CLI::Range(std::uint64_t{1'000'000'000'000}, std::uint64_t{9'999'000'000'000}))
      ->capture_default_str();
  app.add_option("--subscribers", load.subscribers, "How many")
      ->check(CLI::Range(1u, 100'000'000u))
      ->capture_default_str();
  app.add_option("--balance", arguments.balance, "What a new subscriber has")
      ->check([](const std::string& text) {
        return parse_amount(text).has_value() ? "" : "expected an amount such as 100.00";
      })
      ->capture_default_str();
  app.add_option("--sessions", load.sessions, "Concurrent sessions")
      ->check(CLI::Range(1u, 16'000'000u))
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--draw", [&load](const std::string& name) { load.draw = *draw_rule_named(name); },
         "Whose the next session is: in turn, any's, or mostly that of the few that are most "
         "active "
         "(Zipf, exponent 0.99)")
      ->type_name("RULE")
      ->check(CLI::IsMember({"turn", "uniform", "zipf"}))
      ->default_str("turn");
  app.add_option("--connections", load.connections, "Each with an Origin-Host of its own")
      ->check(CLI::Range(1u, 255u))
      ->capture_default_str();
  app.add_option("--name", load.name,
                 "Begins its Origin-Hosts: two that run at once need two names")
      ->check([](const std::string& name) {
        const bool is_label =
            !name.empty() && name.size() <= 50 &&
            name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
        return is_label ? "" : "expected small letters, digits and hyphens";
      })
      ->capture_default_str();
  add_pacing_options(app, load);
  app.add_flag("!--leave-open", load.end_sessions, "Do not end the sessions afterwards");
  app.add_option("--server-pid", load.server_pid,
                 "Also report the processor time a request of this process")
      ->type_name("PID")
      ->check(CLI::PositiveNumber);
  app.add_flag("--json", arguments.json, "One JSON object on stdout");
  app.set_version_flag("--version", FARTHING_VERSION);
  app.footer(examples);
}

// How fast, how long, and what is done when answers stay away.
void add_pacing_options(CLI::App& app, LoadOptions& load) {
  auto* const window =
      app.add_option("--in-flight", load.in_flight, "Closed loop: requests unanswered at a time")
          ->check(CLI::Range(1u, 16'000'000u))
          ->capture_default_str();
  app.add_option("--rate", load.rate, "Open loop: requests a second, each at its intended time")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{10'000'000}))
      ->excludes(window);
  app.add_option("--seconds", load.seconds, "Measured time")
      ->check(CLI::Range(0.01, 1e6))
      ->capture_default_str();
  app.add_option("--warm-up", load.warm_up_seconds, "Seconds before that, not measured")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app.add_option("--updates-per-session", load.updates_per_session,
                 "Then the session is ended and another begun")
      ->capture_default_str();
  app.add_option_function<unsigned>(
         "--timeout-ms", [&load](unsigned ms) { load.timeout = std::chrono::milliseconds(ms); },
         "A request unanswered for so long is sent again with T set [10000]")
      ->check(CLI::Range(1u, 3'600'000u));
  app.add_option_function<unsigned>(
         "--drain-ms", [&load](unsigned ms) { load.drain = std::chrono::milliseconds(ms); },
         "How long to wait for answers at the end, and for a lost server to come back [30000]")
      ->check(CLI::Range(1u, 3'600'000u));
  app.add_flag("--reconnect,!--no-reconnect", load.reconnect,
               "Connect again to a server that went away, and send again what was unanswered "
               "(the default)");
}

void show_progress(const Progress& progress) {
  static std::uint64_t answered_before = 0;
  fmt::print(stderr, "\r{:>6.0f} s  {:<10} {:>9}/s  in flight {:<6} answered {:<11} errors {}  ",
             progress.seconds, progress.phase, progress.answered - answered_before,
             progress.in_flight, progress.answered, progress.errors);
  std::fflush(stderr);
  answered_before = progress.answered;
}

double us(std::uint64_t ns) { return static_cast<double>(ns) / 1000; }

std::string words_of(const std::optional<AuditReport>& report) {
  if (!report.has_value()) return "not done";
  if (report->ok()) return "ok";
  return fmt::format("{} subscribers are wrong", report->wrong);
}

// A JSON string, quoted.
std::string quoted(const std::string& text) {
  return boost::json::serialize(boost::json::value(text));
}

void print_json(const LoadResult& result, const std::optional<AuditReport>& report) {
  std::string codes;
  for (const auto& [code, count] : result.errors_by_code) {
    codes += fmt::format("{}\"{}\":{}", codes.empty() ? "" : ",", code, count);
  }
  const auto latency = [&](const char* name, double fraction) {
    fmt::print(",\"{}\":{:.1f}", name, us(result.latency.percentile_ns(fraction)));
  };
  fmt::print("{{\"rate\":{:.1f}", result.rate());
  latency("p50_us", 0.50);
  latency("p90_us", 0.90);
  latency("p99_us", 0.99);
  latency("p999_us", 0.999);
  latency("max_us", 1);
  fmt::print(",\"errors\":{},\"cpu_us_per_request\":{:.4f},\"audit\":{}", result.errors(),
             result.cpu_us_per_request(), quoted(words_of(report)));
  if (result.server_cpu_seconds > 0) {
    fmt::print(",\"server_cpu_us_per_request\":{:.4f}", result.server_cpu_us_per_request());
  }
  fmt::print(",\"answered\":{},\"seconds\":{:.6f},\"errors_by_code\":{{{}}},\"unanswered\":{}",
             result.answered, result.measured_seconds, codes, result.unanswered);
  if (result.sent > 0) {
    fmt::print(",\"sent\":{},\"goodput\":{:.1f},\"refused\":{},\"refusal_p50_us\":{:.1f}",
               result.sent, result.goodput(), result.refused,
               us(result.refusal_latency.percentile_ns(0.50)));
    fmt::print(",\"refusal_p99_us\":{:.1f}", us(result.refusal_latency.percentile_ns(0.99)));
  }
  fmt::print(",\"not_sent\":{},\"sent_again\":{},\"late_answers\":{},\"reconnects\":{}",
             result.not_sent, result.sent_again, result.late_answers, result.reconnects);
  if (!result.complaint.empty()) fmt::print(",\"complaint\":{}", quoted(result.complaint));
  if (report.has_value()) {
    std::string differences;
    for (const std::string& line : report->differences) {
      differences += (differences.empty() ? "" : ",") + quoted(line);
    }
    fmt::print(",\"audit_uncertain\":{},\"audit_charged_millionths\":{},\"audit_differences\":[{}]",
               report->uncertain, report->charged, differences);
  }
  fmt::print("}}\n");
}

void print_table(const LoadResult& result, const std::optional<AuditReport>& report) {
  fmt::print("answered      {} in {:.2f} s\n", result.answered, result.measured_seconds);
  fmt::print("rate          {:.0f} a second\n", result.rate());
  fmt::print(
      "latency       p50 {:.0f} us, p90 {:.0f} us, p99 {:.0f} us, p99.9 {:.0f} us, max {:.0f} us\n",
      us(result.latency.percentile_ns(0.50)), us(result.latency.percentile_ns(0.90)),
      us(result.latency.percentile_ns(0.99)), us(result.latency.percentile_ns(0.999)),
      us(result.latency.max_ns()));
  if (result.refused > 0) {
    fmt::print(
        "too busy      {} sessions; {:.0f} a second were served; refused after p50 {:.0f} us, "
        "p99 {:.0f} us\n",
        result.refused, result.goodput(), us(result.refusal_latency.percentile_ns(0.50)),
        us(result.refusal_latency.percentile_ns(0.99)));
  }
  fmt::print("generator     {:.3f} us of processor time a request\n", result.cpu_us_per_request());
  if (result.server_cpu_seconds > 0) {
    fmt::print("server        {:.3f} us of processor time a request\n",
               result.server_cpu_us_per_request());
  }
  if (result.sent_again + result.reconnects + result.late_answers > 0) {
    fmt::print("sent again    {}; reconnected {} times; {} answers came late\n", result.sent_again,
               result.reconnects, result.late_answers);
  }
  if (result.not_sent > 0) {
    fmt::print("not sent      {}: no session was free at their time; use more --sessions\n",
               result.not_sent);
  }
  fmt::print("errors        {}\n", result.errors());
  for (const auto& [code, count] : result.errors_by_code) {
    fmt::print("  {} {}\n", code == 0 ? "unreadable answer" : fmt::format("result {}", code),
               count);
  }
  if (result.unanswered > 0) fmt::print("  unanswered {}\n", result.unanswered);
  if (!result.complaint.empty()) fmt::print("  {}\n", result.complaint);
  fmt::print("audit         {}\n", words_of(report));
  if (!report.has_value()) return;
  for (const std::string& line : report->differences) fmt::print("  {}\n", line);
  if (report->uncertain > 0) {
    fmt::print("  {} subscribers have a report that was never answered\n", report->uncertain);
  }
}

int complain(const std::string& message, int code) {
  fmt::print(stderr, "farthing-load: {}\n", message);
  return code;
}

using Balances = std::vector<std::int64_t>;

farthing::base::Result<Balances, ApiError> read_balances(const Arguments& arguments) {
  const auto csv = api_get(arguments.api, "/v1/balances?format=csv");
  if (!csv.has_value()) return csv.error();
  auto balances = parse_balances(*csv, arguments.load.first_msisdn, arguments.load.subscribers);
  if (!balances.has_value()) return ApiError{false, balances.error()};
  return std::move(*balances);
}

int run(const Arguments& arguments) {
  const bool with_api = !arguments.api.empty();
  const bool with_audit = with_api && !arguments.no_audit;
  const auto complain_about = [](const ApiError& error) {
    return complain(error.message, error.not_reachable ? exit_not_reachable : exit_wrong);
  };
  if (with_api) {
    constexpr std::uint32_t at_once = 1'000'000;
    const LoadOptions& load = arguments.load;
    for (std::uint32_t done = 0; done < load.subscribers; done += at_once) {
      const auto imported =
          api_post_csv(arguments.api, "/v1/subscribers/import",
                       import_csv(load.first_msisdn + done,
                                  std::min(at_once, load.subscribers - done), arguments.balance));
      if (!imported.has_value()) return complain_about(imported.error());
    }
  }
  Balances before;
  if (with_audit) {
    auto balances = read_balances(arguments);
    if (!balances.has_value()) return complain_about(balances.error());
    before = std::move(*balances);
  }

  Driver driver(arguments.load);
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  if (terminal) driver.set_progress(show_progress);
  const LoadResult result = driver.run();
  if (terminal) fmt::print(stderr, "\r\033[K");
  if (result.never_connected) return complain(result.complaint, exit_not_reachable);

  std::optional<AuditReport> report;
  if (with_audit) {
    const auto after = read_balances(arguments);
    if (!after.has_value()) return complain_about(after.error());
    report = audit(arguments.load.first_msisdn, before, *after, result.charged);
  }
  arguments.json ? print_json(result, report) : print_table(result, report);
  const bool fine =
      result.errors() == 0 && result.complaint.empty() && (!report.has_value() || report->ok());
  return fine ? exit_ok : exit_wrong;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // TLS writes to sockets that the server has closed
  CLI::App app("Load generator for Diameter Gy/Ro charging servers", "farthing-load");
  Arguments arguments;
  add_options(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_ok : exit_usage;
  }
  return run(arguments);
}
