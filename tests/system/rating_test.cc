// Prices with conditions through a whole server: the sample of them is loaded with its tables, and
// calls are charged over Diameter, one over the moment at which its price changes, one to another
// zone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "diameter/message.h"
#include "tariffs/local_time.h"
#include "tests/system/process.h"
#include "tests/system/wire.h"

namespace farthing::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr const char* anna = "8613900000001";

class RatingTest : public ::testing::Test {
 protected:
  RatingTest() {
    for (const char* table : {"zones.csv", "holidays.csv"}) {
      fs::copy_file(fs::path(FARTHING_SAMPLES) / table, folder_.file(table));
    }
    const std::string config = folder_.write(
        "farthing.yaml", "data: " + folder_.file("data") +
                             "\ntariff: " + folder_.write("tariff.yaml", sample_around(border_)) +
                             "\norigin_host: ocs.farthing.example\norigin_realm: farthing.example\n"
                             "log: {level: error}\n");
    server_.emplace(std::vector<std::string>{"--config", config, "--port", "0"}, folder_);
    wire_.emplace(server_->port());
    EXPECT_EQ(result_of(wire_->ask(capabilities_request())), 2001u);
    done({"account", "create", anna, "--kind", "prepaid"});
    done({"subscriber", "add", anna, "--account", anna});
    done({"balance", "topup", anna, "100.00", "--request-id", "first"});
  }

  // The sample, whose cheap time begins at this moment, every day, for two hours.
  static std::string sample_around(base::Time border) {
    std::ifstream in(fs::path(FARTHING_SAMPLES) / "zones-and-times.yaml");
    std::ostringstream text;
    text << in.rdbuf();
    std::string sample = text.str();
    sample.resize(sample.find("\ntests:") + 1);  // they are of its own times
    const auto hour = [border](int hours_after) {
      const std::string at =
          tariffs::local_time_text("Asia/Shanghai", border + std::chrono::hours(hours_after));
      return at.substr(at.find('T') + 1, 5);  // "23:00"
    };
    const auto put = [&sample](std::string_view what, const std::string& instead) {
      const std::size_t at = sample.find(what);
      ASSERT_NE(at, std::string::npos) << what;
      sample.replace(at, what.size(), instead);
    };
    put("{days: mon-fri, from: 08:00, to: 20:00}",
        "{days: mon-fri, from: " + hour(4) + ", to: " + hour(5) + "}");
    put("{days: [mon-thu, sun], from: 23:00, to: 07:00}",
        "{days: [all, holiday], from: " + hour(0) + ", to: " + hour(2) + "}");
    put("{days: [sat, holiday]}",
        "{days: [sat, holiday], from: " + hour(7) + ", to: " + hour(8) + "}");
    return sample;
  }

  void done(std::vector<std::string> arguments) {
    const Exit exit = server_->farthing(std::move(arguments));
    EXPECT_EQ(exit.code, 0) << exit.err;
  }

  // One request of a call; the Result-Code of its service.
  std::uint32_t call(const std::string& to, std::uint32_t type, base::Time at, std::uint32_t used,
                     std::uint32_t asked) {
    CreditRequest request;
    request.session = "tas.example;" + to;
    request.context = "32260@3gpp.org";
    request.msisdn = anna;
    request.type = type;
    request.number = number_++;
    request.at = at;
    request.called = to;
    if (used > 0) request.used_seconds = used;
    if (asked > 0) request.requested_seconds = asked;
    const Octets answer = wire_->ask(credit_request(request));
    EXPECT_EQ(result_of(answer), 2001u);
    diameter::Message message;
    EXPECT_TRUE(diameter::decode({answer.data(), answer.size()}, message).has_value());
    const auto* const service = message.find(diameter::AvpId::multiple_services_credit_control);
    return service == nullptr ? 0 : message.find(*service, diameter::AvpId::result_code)->u32();
  }

  TempFolder folder_;
  // An hour ago, at a whole minute.
  base::Time border_ = std::chrono::floor<minutes>(std::chrono::system_clock::now()) - minutes(60);
  std::optional<Farthingd> server_;
  std::optional<Wire> wire_;
  std::uint32_t number_ = 0;
};

TEST_F(RatingTest, calls_over_a_border_of_time_and_to_other_zones) {
  // A minute at 0.15, two at 0.05.
  const std::string home = "tel:+8613900139000";
  EXPECT_EQ(call(home, 1, border_ - minutes(1), 0, 300), 2001u);
  EXPECT_EQ(call(home, 2, border_ + seconds(30), 90, 300), 2001u);
  EXPECT_EQ(call(home, 3, border_ + minutes(2), 90, 0), 2001u);
  EXPECT_EQ(server_->balance(anna), "99.750000");

  // 61 seconds are two minutes at 1.00.
  const std::string berlin = "sip:+49301234567@ims.example;user=phone";
  EXPECT_EQ(call(berlin, 1, border_ + minutes(3), 0, 300), 2001u);
  EXPECT_EQ(call(berlin, 3, border_ + minutes(4) + seconds(1), 61, 0), 2001u);
  EXPECT_EQ(server_->balance(anna), "97.750000");
  EXPECT_EQ(server_->reserved(anna), "0.000000");

  EXPECT_EQ(call("tel:+12025550100", 1, border_ + minutes(5), 0, 300), 5031u);

  const Exit ledger = server_->farthing({"ledger", "show", anna});
  for (const char* rule :
       {"voice/*/cn+cn-mobile/night+free-day", "voice/*/cn+cn-mobile", "voice/*/eu"}) {
    EXPECT_THAT(ledger.out, HasSubstr(rule));
  }
  const Exit verified = server_->farthing({"ledger", "verify"});
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  const Exit price =
      server_->farthing({"tariff", "price", "voice", "61s", "--called", "+49301234567"});
  EXPECT_THAT(price.out, HasSubstr("2.000000 CNY"));
  EXPECT_THAT(price.out, HasSubstr("49301234567 is in zone eu"));
}

TEST_F(RatingTest, a_server_started_again_prices_as_before) {
  const std::string home = "tel:+8613900139000";
  EXPECT_EQ(call(home, 1, border_ - minutes(1), 0, 300), 2001u);
  server_->kill();
  server_.emplace(
      std::vector<std::string>{"--config", folder_.file("farthing.yaml"), "--port", "0"}, folder_);
  wire_.emplace(server_->port());
  EXPECT_EQ(result_of(wire_->ask(capabilities_request())), 2001u);
  EXPECT_EQ(call(home, 3, border_ + minutes(2), 180, 0), 2001u);
  EXPECT_EQ(server_->balance(anna), "99.750000");
}

}  // namespace
}  // namespace farthing::test
