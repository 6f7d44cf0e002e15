// The command line against a real server, command by command: what each prints and how it ends.
//
// A transcript is lines "$ farthing ...", what the command prints on stdout and stderr, and a line
// "=> CODE". What differs from run to run stands as TIME, PATH and USER. To take a transcript anew,
// run the test with FARTHING_TRANSCRIPTS=write in its environment and read the difference.
#include "tests/engine/admin/api_fixture.h"
#include "tools/cli/command_line.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>

#include <pwd.h>
#include <unistd.h>

namespace farthing::tools {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Words at spaces, with single quotes around those that hold some.
std::vector<std::string> split_words(const std::string& line) {
  std::vector<std::string> words;
  bool quoted = false;
  bool open = false;
  for (char c : line) {
    if (c == '\'') {
      quoted = !quoted;
      if (!open) words.emplace_back();
      open = true;
    } else if (c == ' ' && !quoted) {
      open = false;
    } else {
      if (!open) words.emplace_back();
      open = true;
      words.back() += c;
    }
  }
  return words;
}

class TranscriptTest : public engine::admin::ApiTest,
                       public testing::WithParamInterface<const char*> {
 protected:
  // A session that is over and one that is open.
  void play_sessions() {
    using engine::RequestType;
    create_account("1001", "1");
    request(RequestType::initial, 0, "gw;1", "1001", {}, 5 << 20);
    request(RequestType::update, 1, "gw;1", "1001", 5 << 20, 5 << 20);
    request(RequestType::termination, 2, "gw;1", "1001", 1 << 20, {});
    request(RequestType::initial, 0, "gw;2", "1001", {}, 1 << 20);
    request(RequestType::update, 1, "gw;2", "1001", 1500, 1 << 20);
  }

  // One that is open and holds units of an allowance.
  void play_held_allowance() {
    create_account("1003", "10");
    ok(post("/v1/subscribers/1003/subscriptions", R"({"offer":"bundle-1g"})"));
    request(engine::RequestType::initial, 0, "gw;5", "1003", {}, 5 << 20);
  }

  // One that is warned of, one that costs more, and one with a test that fails.
  void write_odd_tariffs() {
    constexpr std::string_view tariff =
        "tariff: calls\ncurrency: CNY\ntime_zone: Asia/Shanghai\nvalid_from: 2026-01-01T00:00\n"
        "services:\n"
        "  voice:\n"
        "    context: 32260@3gpp.org\n"
        "    unit: seconds\n"
        "    grant: {maximum: 1 h}\n"
        "    prices: [{default: true, amount: 0.20, per: 1 min, step: 7 s}]\n";
    std::ofstream(folder_.path() / "odd.yaml") << tariff;
    std::ofstream(folder_.path() / "dearer.yaml")
        << std::regex_replace(std::string(tariff), std::regex("0[.]20"), "0.25");
    std::ofstream(folder_.path() / "tiers.yaml") << std::regex_replace(
        std::string(tariff), std::regex("amount: 0[.]20, per: 1 min, step: 7 s"),
        "tiers: [{upto: 10 min, amount: 0.20}, {amount: 0.10}], per: 1 min, cap: {amount: 9.00}");
    std::ofstream(folder_.path() / "failing.yaml")
        << tariff << "tests:\n"
        << "  - {name: a minute, service: voice, use: 1 min, expect: {amount: 0.20}}\n";
  }

  // One that asks things of subscribers.
  void write_asking_tariff() {
    write("asking.yaml",
          "tariff: asking\ncurrency: CNY\ntime_zone: Asia/Shanghai\nvalid_from: 2026-01-01T00:00\n"
          "services:\n"
          "  data:\n"
          "    context: 32251@3gpp.org\n"
          "    unit: octets\n"
          "    grant: {maximum: 10 MiB}\n"
          "    rating_groups: {20: video}\n"
          "    prices:\n"
          "      - {rating_group: video, subscription: required, price: free}\n"
          "      - {default: true, subscriber: {segment: gold}, amount: 0.05, per: 1 MiB}\n"
          "      - {default: true, switch: roaming, amount: 0.10, per: 1 MiB}\n");
  }

  // One that costs twice what the demo's does.
  void write_dear_tariff() {
    write("dear.yaml",
          "tariff: dear\ncurrency: CNY\ntime_zone: Asia/Shanghai\nvalid_from: 2026-01-01T00:00\n"
          "services:\n"
          "  data:\n"
          "    context: 32251@3gpp.org\n"
          "    unit: octets\n"
          "    grant: {maximum: 10 MiB}\n"
          "    prices: [{default: true, amount: 0.20, per: 1 MiB, step: 1 KiB}]\n");
  }

  // It charges test subscribers first.
  void play_trial() {
    create_account("1001", "10");
    create_account("1002", "10");
    run("farthing subscriber set 1001 segment=test");
    run("farthing tariff load PATH/dear.yaml --only segment=test");
    for (const char* number : {"1001", "1002"}) {
      const std::string session = std::string("gw;") + number;
      request(engine::RequestType::initial, 0, session, number, {}, 5 << 20);
      request(engine::RequestType::termination, 1, session, number, 5 << 20, {});
    }
  }

  // One with offers that renew.
  void write_offers() {
    write("offers.yaml",
          "tariff: offers\ncurrency: CNY\ntime_zone: Asia/Shanghai\nvalid_from: 2026-01-01T00:00\n"
          "counters: {spent: {unit: money, period: month}}\n"
          "services:\n"
          "  data:\n"
          "    context: 32251@3gpp.org\n"
          "    unit: octets\n"
          "    grant: {maximum: 10 MiB}\n"
          "    rating_groups: {10: web, 20: video}\n"
          "    prices:\n"
          "      - {rating_group: video, subscription: required, price: free}\n"
          "      - {rating_group: web, amount: 0.10, per: 1 MiB}\n"
          "offers:\n"
          "  - {name: monthly, fee: 19.00, period: month, family: plan, allowance: 2 GiB, covers: "
          "[{service: data, rating_group: web}]}\n"
          "  - {name: larger, fee: 29.00, period: month, family: plan, allowance: 5 GiB, covers: "
          "[{service: data, rating_group: web}]}\n"
          "  - {name: video, fee: 15.00, period: 30 days, requires: [monthly], covers: "
          "[{service: data, rating_group: video}]}\n"
          "  - {name: gift, validity: 30 d, allowances: [{money: 5.00, covers: [{service: "
          "data}]}]}\n"
          "  - {name: booster, fee: 5.00, validity: 7 d, allowance: 1 GiB, covers: [{service: "
          "data}]}\n"
          "  - {name: least, period: month, begins: calendar, covers: [{service: data}], "
          "minimum_spend: {amount: 30.00, counter: spent}, deposit: {amount: 1.00, instalments: "
          "12}, filing: {number: 26-0815, from: 2026-01-01}}\n");
  }

  // One with ceilings of each kind.
  void write_ceilings() {
    write(
        "ceilings.yaml",
        "tariff: ceilings\ncurrency: CNY\ntime_zone: Asia/Shanghai\nvalid_from: "
        "2026-01-01T00:00\n"
        "counters:\n"
        "  used: {unit: octets, period: month, covers: [{service: data}]}\n"
        "  abroad: {unit: money, period: month, covers: [{service: data, rating_group: roaming}]}\n"
        "ceilings:\n"
        "  fair-use: {counter: used, at: 20 GiB, notes: [80 %]}\n"
        "  bill-shock: {counter: abroad, at: 60.00, lift: true, lower: true}\n"
        "services:\n"
        "  data:\n"
        "    context: 32251@3gpp.org\n"
        "    unit: octets\n"
        "    grant: {maximum: 10 MiB}\n"
        "    rating_groups: {10: home, 30: roaming}\n"
        "    prices:\n"
        "      - {rating_group: roaming, beyond: bill-shock, stop: true, price: free}\n"
        "      - {rating_group: roaming, amount: 2.00, per: 1 MiB}\n"
        "      - {rating_group: home, beyond: fair-use, price: free}\n"
        "      - {rating_group: home, amount: 0.10, per: 1 GiB}\n"
        "offers:\n"
        "  - {name: booster, fee: 5.00, validity: month, covers: [{service: data}], raises: "
        "{fair-use: 10 GiB}}\n");
  }

  // One that goes by who is at the other end, and numbers that were ported.
  void write_friends() {
    write("networks.csv", "prefix,zone\n86,home\nrn:B,other\n");
    write("friends.yaml",
          "tariff: friends\ncurrency: CNY\ntime_zone: Asia/Shanghai\nvalid_from: 2026-01-01T00:00\n"
          "tables: {zones: networks.csv}\n"
          "services:\n"
          "  voice:\n"
          "    context: 32260@3gpp.org\n"
          "    unit: seconds\n"
          "    grant: {maximum: 10 min}\n"
          "    prices:\n"
          "      - {default: true, leg: terminating, price: free}\n"
          "      - {default: true, group: [family, chosen], amount: 0.01, per: 1 min}\n"
          "      - {default: true, zone: other, amount: 0.20, per: 1 min}\n"
          "      - {default: true, amount: 0.10, per: 1 min}\n"
          "offers:\n"
          "  - {name: friends, fee: 2.00, period: month, chosen_numbers: {most: 2, changes: 1}, "
          "covers: [{service: voice}]}\n");
    write("ported.csv", "number,routing\n8613911111111,B7\n");
    write("bad-ported.csv", "number,routing\n8613911111111,G7\n0,B7\n");
    write("nothing.csv", "number,routing\n");
  }

  // One under which accounts end.
  void write_validity() {
    write("valid.yaml",
          "tariff: valid\ncurrency: CNY\ntime_zone: Asia/Shanghai\nvalid_from: 2026-01-01T00:00\n"
          "validity: {top_up: [{from: 10.00, extends: 30 d}], grace: 15 d}\n"
          "services:\n"
          "  data:\n"
          "    context: 32251@3gpp.org\n"
          "    unit: octets\n"
          "    grant: {maximum: 10 MiB}\n"
          "    prices: [{default: true, amount: 0.10, per: 1 MiB}]\n");
  }

  // Two that nobody can pay.
  void play_refused() {
    create_account("1002", "0.000001");
    request(engine::RequestType::initial, 0, "gw;3", "1002", {}, 5 << 20);
    request(engine::RequestType::initial, 0, "gw;4", "1002", {}, 5 << 20);
  }

  // Tariffs with tables: one in order, and one whose table is not.
  void write(const char* name, const std::string& text) {
    std::ofstream(folder_.path() / name) << text;
  }
  void write_tariffs_with_tables() {
    write("zones.csv", "prefix,zone\n49,eu\n86,cn\n");
    write("bad-zones.csv", "prefix,zone\n49,eu\n4x,eu\n49,cn\n");
    const std::string head =
        "tariff: zoned\ncurrency: CNY\ntime_zone: Asia/Shanghai\n"
        "valid_from: 2026-01-01T00:00:00\n";
    const std::string rest =
        "calendars:\n"
        "  day: {default: off-peak, classes: {peak: [{days: all, from: 08:00, to: 20:00}]}}\n"
        "services:\n"
        "  voice:\n"
        "    context: 32260@3gpp.org\n"
        "    unit: seconds\n"
        "    grant: {maximum: 1 h, minimum: 1 min}\n"
        "    prices:\n"
        "      - {default: true, zone: cn, time: peak, amount: 0.60, per: 1 min}\n"
        "      - {default: true, zone: cn, amount: 0.06, per: 1 min}\n"
        "      - {default: true, zone: eu, amount: 1.20, per: 1 min, setup: 0.50}\n"
        "      - {default: true, price: none}\n"
        "  data:\n"
        "    context: 32251@3gpp.org\n"
        "    unit: octets\n"
        "    grant: {maximum: 1 GiB, minimum: 1 KiB}\n"
        "    prices:\n"
        "      - {default: true, apn: ims, price: free}\n"
        "      - {default: true, rat_type: EUTRAN, serving_network: 460, amount: 0.1, per: 1 MiB}\n"
        "      - {default: true, amount: 3.00, per: 1 MiB}\n";
    write("zoned.yaml", head + "tables: {zones: zones.csv}\n" + rest);
    write("bad-zoned.yaml", head + "tables: {zones: bad-zones.csv}\n" + rest);
    write("lost.yaml", head + "tables: {zones: ../zones.csv, holidays: none.csv}\n" + rest);
  }

  std::string run(const std::string& line) {
    std::vector<std::string> words = split_words(line);
    EXPECT_EQ(words.at(0), "farthing");
    words.erase(words.begin());
    for (std::string& word : words)
      word = std::regex_replace(word, std::regex("PATH"), folder_.path().string());
    std::ostringstream out;
    Environment environment;
    environment.api = socket_path();
    const int code = run_command_line(words, Terminal{out, out}, environment);
    return fmt::format("$ {}\n{}=> {}\n", line, without_chance(out.str()), code);
  }

 private:
  // Who runs this, and so does everything here. The widths of tables hold for names of four letters
  // to eight.
  static std::string user() {
    const passwd* const entry = getpwuid(geteuid());
    return entry == nullptr ? fmt::format("uid {}", geteuid()) : entry->pw_name;
  }
  std::string without_chance(std::string text) const {
    text = std::regex_replace(
        text, std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}\+08:00|Z))"), "TIME");
    text = std::regex_replace(text, std::regex(folder_.path().string()), "PATH");
    text = std::regex_replace(text, std::regex(R"("operator":"[^"]*")"), R"("operator":"USER")");
    text = std::regex_replace(text, std::regex(fmt::format("\\b(TIME|by)( +){}\\b", user())),
                              "$1$2USER");
    return text;
  }
};

TEST_P(TranscriptTest, SaysWhatItSaid) {
  const fs::path path = fs::path(FARTHING_TRANSCRIPTS_FOLDER) / GetParam();
  std::ofstream(folder_.path() / "good.csv") << "msisdn,imsi,account,kind,balance,credit_limit\n"
                                                "8619900000001,460000000000001,,,10.00,\n"
                                                "+8619900000002,,family,hybrid,5,20\n"
                                                "8619900000003,,family,,,\n";
  std::ofstream(folder_.path() / "bad.csv") << "msisdn,imsi,account,kind,balance,credit_limit\n"
                                               "8619900000004,,,,10.0000001,\n"
                                               "8619900000005,,,free,,\n"
                                               "nobody,,,,,\n";
  write("families.csv",
        "msisdn,attr.family,attr.region\n"
        "8619900000002,smith,\n"
        "8619900000003,smith,north\n");
  write("bad-families.csv", "msisdn,attr.family\n8619900000003,Smith & Co\n8619911111111,x\n");
  std::ofstream(folder_.path() / "bad.yaml") << "tariff: x\ncurrency: CNY\ncurrency: USD\n";
  write("attributes.csv",
        "msisdn,imsi,account,kind,balance,credit_limit,attr.segment,attr.region\n"
        "8619900000008,,,,,,gold,north\n");
  write("bad-attributes.csv",
        "msisdn,imsi,account,kind,balance,credit_limit,attr.Segment,region\n"
        "8619900000009,,,,,,gold,north\n");
  write_odd_tariffs();
  write_tariffs_with_tables();
  write_asking_tariff();
  write_dear_tariff();
  write_offers();
  write_ceilings();
  write_friends();
  write_validity();
  if (std::string_view(GetParam()) == "sessions.txt") {
    play_sessions();
    play_held_allowance();
  }
  if (std::string_view(GetParam()) == "simulations.txt") play_sessions();
  if (std::string_view(GetParam()) == "rejects.txt") play_refused();
  if (std::string_view(GetParam()) == "rerates.txt") play_sessions();
  if (std::string_view(GetParam()) == "trials.txt") play_trial();
  if (std::string_view(GetParam()) == "explain.txt") {
    play_sessions();
    play_refused();
  }

  const std::string expected = read_text(path);
  std::string actual;
  std::istringstream lines(expected);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("$ ")) actual += run(line.substr(2));
  }
  const char* const mode = std::getenv("FARTHING_TRANSCRIPTS");
  if (mode != nullptr && std::string_view(mode) == "write") std::ofstream(path) << actual;
  EXPECT_FALSE(actual.empty());
  EXPECT_EQ(actual, expected);
}

INSTANTIATE_TEST_SUITE_P(CommandLine, TranscriptTest,
                         testing::Values("accounts.txt", "asking.txt", "ceilings.txt",
                                         "explain.txt", "numbers.txt", "offers.txt", "payers.txt",
                                         "rejects.txt", "rerates.txt", "sessions.txt",
                                         "simulations.txt", "subscribers.txt", "tariffs.txt",
                                         "terms.txt", "trials.txt", "usage.txt"),
                         [](const auto& test) {
                           std::string name = test.param;
                           return name.substr(0, name.find('.'));
                         });

}  // namespace
}  // namespace farthing::tools
