#include "tests/tidy_tree.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <stdexcept>

namespace farthing::test {

namespace {

namespace fs = std::filesystem;

bool is_passed_over(const fs::path& path) {
  const std::string name = path.filename();
  if (name == ".ci") return false;
  return name.starts_with('.') || name == "build" || name.starts_with("build-") ||
         name.starts_with("data-format-") || name == "corpus" || path.extension() == ".pcap";
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

// Where a comment, a string or a character that begins at `at` ends; `at` itself if none begins
// there.
std::size_t past_what_is_no_code(std::string_view text, std::size_t at) {
  const auto past = [&](std::string_view end, std::size_t from) {
    const std::size_t found = text.find(end, from);
    return found == std::string_view::npos ? text.size() : found + end.size();
  };
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("//")) return past("\n", at) - 1;
  if (rest.starts_with("/*")) return past("*/", at + 2);
  if (rest.starts_with("R\"")) {
    const std::size_t open = text.find('(', at);
    if (open == std::string_view::npos) return text.size();
    const std::string delimiter(text.substr(at + 2, open - at - 2));
    return past(")" + delimiter + "\"", open);
  }
  const char quote = rest.front();
  if (quote != '"' && quote != '\'') return at;
  // 1'000'000 has no characters.
  if (quote == '\'' && at > 0 && std::isalnum(static_cast<unsigned char>(text[at - 1])) != 0)
    return at;
  std::size_t end = at + 1;
  while (end < text.size() && text[end] != quote) end += text[end] == '\\' ? 2 : 1;
  return std::min(end + 1, text.size());
}

// The text with everything that is no code, and preprocessor lines, blanked out; lines stay lines.
std::string code_only(std::string_view text) {
  std::string code(text);
  for (std::size_t at = 0; at < code.size();) {
    std::size_t end = past_what_is_no_code(text, at);
    const bool begins_line = at == 0 || text[at - 1] == '\n';
    if (begins_line && text[at] == '#') {
      end = std::min(text.find('\n', at), text.size());
      while (end < text.size() && text[end - 1] == '\\') {
        end = std::min(text.find('\n', end + 1), text.size());
      }
    }
    for (std::size_t i = at; i < end; ++i) {
      if (code[i] != '\n') code[i] = ' ';
    }
    at = std::max(end, at + 1);
  }
  return code;
}

// What stands before a brace: does it open a function's body?
bool opens_function(std::string_view header, char before_header) {
  static const std::regex other(
      R"(^\s*(template\s*<[^>]*>\s*)?(class|struct|enum|union|namespace|extern)\b)");
  const std::size_t last = header.find_last_not_of(" \n");
  if (last == std::string_view::npos) return before_header == '}';  // After an initializer: b_{1} {
  if (header[last] == '=' || header[last] == ',' || header[last] == '(') return false;
  if (header.find('(') == std::string_view::npos) return false;
  return !std::regex_search(header.begin(), header.end(), other);
}

}  // namespace

bool SourceFile::is_in(std::string_view folder) const {
  return folder.empty() || path.starts_with(folder);
}

std::vector<SourceFile> read_tree(const std::string& root) {
  std::vector<SourceFile> files;
  for (auto at = fs::recursive_directory_iterator(root); at != fs::end(at); ++at) {
    if (is_passed_over(at->path())) {
      if (at->is_directory()) at.disable_recursion_pending();
      continue;
    }
    if (!at->is_regular_file()) continue;
    std::ifstream in(at->path(), std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + at->path().string());
    SourceFile file;
    file.path = fs::relative(at->path(), root);
    file.text.assign(std::istreambuf_iterator<char>(in), {});
    files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  for (SourceFile& file : files) file.lines = split_lines(file.text);
  return files;
}

std::vector<Include> includes_of(const SourceFile& file) {
  static const std::regex include(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<Include> includes;
  for (std::size_t n = 0; n < file.lines.size(); ++n) {
    std::cmatch match;
    const std::string_view line = file.lines[n];
    if (!std::regex_search(line.begin(), line.end(), match, include)) continue;
    includes.push_back({n + 1, match[2].str(), match[1] == "\""});
  }
  return includes;
}

std::vector<Function> functions_of(const SourceFile& file) {
  const std::string code = code_only(file.text);
  std::vector<Function> functions;
  std::size_t line = 1;
  std::size_t header_at = 0;  // Where the text before the next brace begins,
  char before_header = ';';   // and what ended the text before it.
  std::size_t depth = 0;
  std::size_t function_depth = 0;  // 0: in none.
  std::size_t function_line = 0;
  const auto line_of = [&code](std::size_t at) {
    return 1 + static_cast<std::size_t>(
                   std::count(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
  };
  for (std::size_t at = 0; at < code.size(); ++at) {
    const char c = code[at];
    if (c == '\n') ++line;
    if (c != '{' && c != '}' && c != ';') continue;
    if (c == '{') {
      ++depth;
      const std::string_view header = std::string_view(code).substr(header_at, at - header_at);
      if (function_depth == 0 && opens_function(header, before_header)) {
        function_depth = depth;
        const std::size_t first = header.find_first_not_of(" \n");
        function_line = first == std::string_view::npos ? line : line_of(header_at + first);
      }
    } else if (c == '}' && depth > 0) {
      if (depth == function_depth) {
        functions.push_back({function_line, line - function_line + 1});
        function_depth = 0;
      }
      --depth;
    }
    header_at = at + 1;
    before_header = c;
  }
  return functions;
}

std::set<std::string> compiled_files(const std::vector<SourceFile>& tree) {
  static const std::regex name(R"([\w./{}$-]+\.(cc|c)\b)");
  static const std::regex comment("#[^\n]*");
  constexpr std::array roots = {std::string_view("${PROJECT_SOURCE_DIR}/"),
                                std::string_view("${CMAKE_SOURCE_DIR}/")};
  std::set<std::string> compiled;
  for (const SourceFile& file : tree) {
    if (!file.path.ends_with("CMakeLists.txt")) continue;
    const fs::path folder = fs::path(file.path).parent_path();
    const std::string text = std::regex_replace(file.text, comment, "");
    for (std::sregex_iterator at(text.begin(), text.end(), name), end; at != end; ++at) {
      std::string found = at->str();
      bool from_root = false;
      for (const std::string_view root : roots) {
        if (!found.starts_with(root)) continue;
        found.erase(0, root.size());
        from_root = true;
      }
      compiled.insert((from_root ? fs::path(found) : folder / found).lexically_normal());
    }
  }
  return compiled;
}

}  // namespace farthing::test
