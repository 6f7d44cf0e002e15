#include "tools/cli/context.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <ostream>

namespace farthing::tools {

namespace json = boost::json;

namespace {

constexpr unsigned refused_from = 400;

std::optional<json::value> parse(std::string_view text) {
  json::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return std::nullopt;
  return value;
}

// "file.yaml:3:7: message" or "line 3: message", as far as the place is known.
std::string place_of(const json::value& error) {
  const std::string file = field(error, "file");
  const std::string line = field(error, "line");
  if (line.empty() || line == "0") return file.empty() ? "" : file + ": ";
  if (file.empty()) return fmt::format("line {}: ", line);
  return fmt::format("{}:{}:{}: ", file, line, field(error, "column"));
}

}  // namespace

std::string field(const json::value& object, std::string_view name) {
  if (!object.is_object()) return {};
  const json::value* const value = object.get_object().if_contains(name);
  if (value == nullptr || value->is_null()) return {};
  if (value->is_string()) return std::string(value->get_string());
  return json::serialize(*value);
}

int Context::fail(int code, std::string_view message) const {
  progress("");
  terminal_.err << "farthing: " << message << '\n';
  return code;
}

void Context::tell(std::string_view line) const {
  progress("");
  terminal_.err << line << '\n';
}

void Context::progress(std::string_view line) const {
  if (terminal_.progress) terminal_.err << "\r\x1b[K" << line << std::flush;
}

base::Result<std::string, Problem> Context::server_path() const {
  if (!api.empty()) return api;
  return find_server(environment_);
}

base::Result<ApiAnswer, Problem> Context::fetch(const std::string& target,
                                                const char* method) const {
  const auto path = server_path();
  if (!path.has_value()) return path.error();
  auto asked = ApiClient(*path).send(method, target, {});
  if (!asked.has_value()) return Problem{exit_unreachable, asked.error()};
  return std::move(*asked);
}

int Context::ask(const char* method, const std::string& target, std::string_view body,
                 const ApiClient::Sink& sink, const ApiClient::Sent& sent,
                 ApiAnswer& answer) const {
  const auto path = server_path();
  if (!path.has_value()) return fail(path.error().exit_code, path.error().message);
  auto asked = ApiClient(*path).send(method, target, body, sink, sent);
  if (!asked.has_value()) return fail(exit_unreachable, asked.error());
  answer = std::move(*asked);
  return answer.status < refused_from ? exit_done : refused(answer.body);
}

int Context::refused(std::string_view body) const {
  if (json) terminal_.out << body;
  const auto value = parse(body);
  const json::value* const error =
      value && value->is_object() ? value->get_object().if_contains("error") : nullptr;
  if (error == nullptr) return fail(exit_refused, "the server's answer is not understood");
  const json::value* const places =
      error->is_object() ? error->get_object().if_contains("errors") : nullptr;
  if (places != nullptr && places->is_array()) {
    for (const json::value& place : places->get_array()) {
      tell(place_of(place) + field(place, "message"));
    }
  }
  return fail(exit_refused, field(*error, "message"));
}

int Context::get(const std::string& target, const Show& show) const {
  return send("GET", target, {}, show);
}

int Context::send(const char* method, const std::string& target, std::string_view body,
                  const Show& show) const {
  ApiAnswer answer;
  const int code = ask(method, target, body, {}, {}, answer);
  if (code != exit_done) return code;
  if (json) {
    terminal_.out << answer.body;
    return exit_done;
  }
  const auto value = parse(answer.body);
  if (!value) return fail(exit_refused, "the server's answer is not understood");
  show(*value);
  return exit_done;
}

int Context::run_job(const std::string& target, std::string_view body, const ShowJob& show,
                     const ApiClient::Sink& csv) const {
  std::string waiting;
  std::optional<json::value> last;
  bool begun = false;
  bool stopped = false;
  const ApiClient::Sink sink = [&](std::string_view piece) {
    begun = true;
    waiting += piece;
    for (std::size_t end = waiting.find('\n'); end != std::string::npos; end = waiting.find('\n')) {
      auto line = parse(std::string_view(waiting).substr(0, end));
      waiting.erase(0, end + 1);
      if (!line || !line->is_object()) continue;
      if (csv && line->get_object().contains("csv")) {
        stopped = !csv(field(*line, "csv"));
        if (stopped) return false;
        continue;
      }
      if (!line->get_object().contains("phase")) {
        last = std::move(line);
        continue;
      }
      const std::string done =
          line->get_object().contains("rows") ? field(*line, "rows") : field(*line, "entries");
      progress(fmt::format("{}: {} of {}", field(*line, "phase"), done, field(*line, "of")));
    }
    return true;
  };
  const ApiClient::Sent sent = [&](std::uint64_t bytes, std::uint64_t of) {
    if (of > 0) progress(fmt::format("sending: {} %", bytes * 100 / of));
  };
  ApiAnswer answer;
  const int code = ask("POST", target, body, sink, sent, answer);
  progress("");
  if (code == exit_unreachable && begun) fail(code, "what was done stands; run this again");
  if (code != exit_done) return code;
  if (stopped) return exit_refused;
  if (!last || !last->is_object() || !last->get_object().contains("reply")) {
    return fail(exit_unreachable, "the server broke off before the end; run this again");
  }
  const json::value& reply = last->at("reply");
  const std::string text = json::serialize(reply) + "\n";
  if (last->at("status").to_number<unsigned>() >= refused_from) return refused(text);
  if (json) terminal_.out << text;
  return show(reply);
}

int Context::copy(const std::string& target) const {
  return copy(target, [this](std::string_view piece) {
    terminal_.out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
    return terminal_.out.good();
  });
}

int Context::copy(const std::string& target, const ApiClient::Sink& sink) const {
  ApiAnswer answer;
  const int code = ask("GET", target, {}, sink, {}, answer);
  if (!answer.missing.empty()) warn(answer.missing);
  return code;
}

}  // namespace farthing::tools
