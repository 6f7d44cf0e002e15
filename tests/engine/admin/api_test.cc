// The routes of the admin API, over a real socket, a real store and a shard on its own thread.
#include "tariffs/tariff_source.h"
#include "tests/engine/admin/api_fixture.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sys/stat.h>

namespace farthing::engine::admin {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

TEST_F(ApiTest, AccountHasTheBalanceJson) {
  ok(post("/v1/accounts", R"({"id":"acme","kind":"hybrid","credit_limit":"50"})"));
  ok(post("/v1/accounts/acme/topup", R"({"amount":"10.5","request_id":"t1","reason":"cash"})"));
  EXPECT_EQ(json::serialize(ok(get("/v1/accounts/acme"))),
            R"({"account":"acme","kind":"hybrid","currency":"CNY","balance":"10.500000",)"
            R"("reserved":"0.000000","available":"60.500000","overage":"0.000000","buckets":[]})");
  const json::value details = ok(get("/v1/accounts/acme?details=1"));
  EXPECT_EQ(details.at("credit_limit").as_string(), "50.000000");
}

TEST_F(ApiTest, ErrorsSayWhatToDo) {
  EXPECT_THAT(error_of(get("/v1/accounts/nobody"), 404), HasSubstr("farthing account create"));
  EXPECT_THAT(error_of(get("/v1/nothing"), 404), HasSubstr("no such path"));
  EXPECT_THAT(error_of(post("/v1/status", "{}"), 405), HasSubstr("GET"));
  EXPECT_THAT(error_of(post("/v1/accounts", "{"), 400), HasSubstr("no JSON object"));
  EXPECT_THAT(error_of(post("/v1/accounts", R"({"id":"a"})"), 400),
              HasSubstr("\"kind\" is missing"));
  EXPECT_THAT(error_of(post("/v1/accounts", R"({"id":"a","kind":"free"})"), 400),
              HasSubstr("prepaid, postpaid or hybrid"));
  EXPECT_THAT(error_of(post("/v1/accounts", R"({"id":"a","kind":"prepaid","colour":"red"})"), 400),
              HasSubstr("\"colour\" is no field"));
  EXPECT_THAT(error_of(post("/v1/accounts", R"({"id":"a b","kind":"prepaid"})"), 400),
              HasSubstr("an account id is"));
}

TEST_F(ApiTest, WrongAmountsAreRefused) {
  create_account("8613800138000", "0");
  const std::string path = "/v1/accounts/8613800138000/topup";
  EXPECT_EQ(error_of(post(path, R"({"amount":"12.3456789"})"), 400),
            "\"12.3456789\" has too many digits after the point: at most 6");
  EXPECT_THAT(error_of(post(path, R"({"amount":12})"), 400), HasSubstr("in quotes"));
  EXPECT_THAT(error_of(post(path, R"({"amount":"1e3"})"), 400), HasSubstr("is no amount"));
  EXPECT_THAT(error_of(post(path, R"({"amount":"99999999999999999999"})"), 400),
              HasSubstr("too large"));
  EXPECT_THAT(error_of(post(path, R"({"amount":"-1"})"), 400), HasSubstr("balance adjust"));
  EXPECT_EQ(balance_of("8613800138000"), "0.000000");
}

TEST_F(ApiTest, TopUpsAndAdjustmentsAreIdempotentByRequestId) {
  create_account("1001", "0");
  const std::string path = "/v1/accounts/1001/topup";
  const json::value first = ok(post(path, R"({"amount":"5","request_id":"k1"})"));
  const json::value again = ok(post(path, R"({"amount":"5","request_id":"k1"})"));
  EXPECT_FALSE(first.at("repeated").as_bool());
  EXPECT_TRUE(again.at("repeated").as_bool());
  EXPECT_EQ(first.at("sequence"), again.at("sequence"));
  EXPECT_THAT(error_of(post(path, R"({"amount":"6","request_id":"k1"})"), 409),
              HasSubstr("used before"));
  ok(post("/v1/accounts/1001/adjust", R"({"amount":"-2.5","request_id":"k2"})"));
  EXPECT_THAT(error_of(post("/v1/accounts/1001/adjust", R"({"amount":"-100"})"), 422),
              HasSubstr("only 2.500000 is available"));
  restart();
  EXPECT_TRUE(ok(post(path, R"({"amount":"5","request_id":"k1"})")).at("repeated").as_bool());
  EXPECT_EQ(balance_of("1001"), "2.500000");
}

TEST_F(ApiTest, SubscribersAreAddedShownAndSuspended) {
  ok(post("/v1/accounts", R"({"id":"family","kind":"prepaid"})"));
  ok(post("/v1/subscribers",
          R"({"msisdn":"+8613800138000","account":"family","imsi":"460001234567890"})"));
  EXPECT_EQ(json::serialize(ok(get("/v1/subscribers/8613800138000"))),
            R"({"msisdn":"8613800138000","imsi":"460001234567890","state":"active",)"
            R"("attributes":{},"switched_off":[],"account":"family"})");
  const std::string path = "/v1/subscribers/%2B8613800138000/state";
  ok(post(path, R"({"state":"suspended","reason":"lost"})"));
  EXPECT_EQ(ok(get("/v1/subscribers/8613800138000")).at("state"), "suspended");
  EXPECT_EQ(request(RequestType::initial, 0, "s;1", "8613800138000", {}, 1000),
            Outcome::service_denied);
  EXPECT_EQ(ok(post(path, R"({"state":"active"})")).at("subscriber").at("state"), "active");
  EXPECT_THAT(error_of(post(path, R"({"state":"off"})"), 400), HasSubstr("\"off\" is no state"));
  const std::string gone = R"({"state":"terminated","request_id":"end-1"})";
  EXPECT_EQ(ok(post(path, gone)).at("subscriber").at("state"), "terminated");
  EXPECT_EQ(ok(post(path, gone)).at("repeated"), true);
  EXPECT_THAT(error_of(post(path, R"({"state":"active","request_id":"end-1"})"), 409),
              HasSubstr("request id end-1 was used before"));
  EXPECT_THAT(error_of(get("/v1/subscribers/8613800138000"), 404), HasSubstr("no subscriber"));
  EXPECT_THAT(error_of(get("/v1/subscribers/abc"), 400), HasSubstr("is no MSISDN"));
  EXPECT_THAT(error_of(get("/v1/subscribers/77"), 404), HasSubstr("no subscriber"));
}

TEST_F(ApiTest, ManyAttributesAreRefusedAtOnce) {
  create_account("1001", "1");
  json::object fields;
  for (int i = 0; i < 50'000; ++i) fields[fmt::format("attr.x{}", i)] = "";
  EXPECT_EQ(error_of(post("/v1/subscribers/1001/attributes", json::serialize(fields)), 400),
            "50000 attributes are given; give at most 32 at a time");
}

TEST_F(ApiTest, AnEarlierVersionIsMadeValidAgain) {
  const auto tariff = [](const char* name, const char* rest) {
    return fmt::format(
        "tariff: {}\ncurrency: CNY\ntime_zone: Asia/Shanghai\nvalid_from: {}\nservices:\n"
        "  voice:\n    context: 32260@3gpp.org\n    unit: seconds\n    grant: {{maximum: 1 h}}\n"
        "    prices: [{{default: true, amount: 0.20, per: 1 min}}]\n",
        name, rest);
  };
  create_account("1001", "5");
  const json::value loaded =
      ok(post("/v1/tariffs?reason=dearer", tariff("second", "2026-01-01T00:00:00")));
  EXPECT_THAT(loaded.at("warnings").at(0).at("message").as_string(), HasSubstr("is past"));
  ok(post("/v1/tariffs?strict=1", tariff("third", "2199-01-01T00:00:00")));
  EXPECT_THAT(error_of(post("/v1/tariffs?strict=1", tariff("fourth", "2026-01-01T00:00:00")), 422),
              HasSubstr("1 warning in the tariff; nothing was loaded"));
  EXPECT_EQ(error_of(post("/v1/tariffs/2/rollback", ""), 422), "version 2 is in force");
  EXPECT_THAT(error_of(post("/v1/tariffs/3/rollback", ""), 422), HasSubstr("valid from 2199"));
  EXPECT_EQ(post("/v1/tariffs/4/rollback", "").status, 404u);
  EXPECT_EQ(post("/v1/tariffs/1/rollback", R"({"reason":")" + std::string(600, 'x') + "\"}").status,
            400u);
  EXPECT_EQ(ok(post("/v1/tariffs/1/rollback", R"({"reason":"wrong"})")).at("version"), 4);
  EXPECT_EQ(get("/v1/tariffs/1/source").body, get("/v1/tariffs/4/source").body);
  restart();
  const json::value versions = ok(get("/v1/tariffs")).at("tariffs");
  EXPECT_EQ(versions.at(1).at("reason").as_string(), "dearer");
  EXPECT_FALSE(versions.at(1).at("operator").is_null());
  EXPECT_EQ(versions.at(3).at("reason").as_string(), "rollback of 1: wrong");
  EXPECT_EQ(versions.at(3).at("name"), versions.at(0).at("name"));
  EXPECT_TRUE(versions.at(3).at("in_force").as_bool());
}

TEST_F(ApiTest, ASimulationIsAskedForWhatItCanSay) {
  const std::string path = "/v1/tariffs/simulation?from=2026-01-01&to=2199-01-01&version=";
  EXPECT_THAT(error_of(post(path + "1&csv=1", ""), 400), HasSubstr("add that"));
  EXPECT_THAT(error_of(post(path + "7", ""), 404), HasSubstr("no tariff version \"7\""));
  EXPECT_THAT(error_of(post(path + "1&top=10001", ""), 400), HasSubstr("up to 10000"));
  EXPECT_EQ(ok(post(path + "all", "")).at("tariff").as_string(), "");
}

TEST_F(ApiTest, SubscriptionsComeAndGo) {
  create_account("1001", "1");
  const json::value added =
      ok(post("/v1/subscribers/1001/subscriptions", R"({"offer":"bundle-1g"})"));
  EXPECT_EQ(added.at("subscription").at("remaining").as_int64(), 1 << 30);
  const json::value listed = ok(get("/v1/subscribers/1001/subscriptions"));
  ASSERT_EQ(listed.at("subscriptions").as_array().size(), 1u);
  EXPECT_TRUE(listed.at("subscriptions").at(0).at("active").as_bool());
  EXPECT_EQ(ok(get("/v1/accounts/1001")).at("buckets").as_array().size(), 1u);
  EXPECT_THAT(error_of(post("/v1/subscribers/1001/subscriptions", R"({"offer":"moon"})"), 404),
              HasSubstr("no offer moon"));
  ok(del("/v1/subscribers/1001/subscriptions/1"));
  EXPECT_THAT(error_of(del("/v1/subscribers/1001/subscriptions/1"), 404),
              HasSubstr("subscription"));
  EXPECT_THAT(error_of(del("/v1/subscribers/1001/subscriptions/x"), 400), HasSubstr("number"));
}

TEST_F(ApiTest, SessionsAreListedAndClosed) {
  create_account("1001", "100");
  create_account("1002", "100");
  const std::string id = "gw.example;1/2;a b";
  EXPECT_EQ(request(RequestType::initial, 0, id, "1001", {}, 10 << 20), Outcome::success);
  EXPECT_EQ(request(RequestType::initial, 0, "other", "1002", {}, 10 << 20), Outcome::success);
  const json::value all = ok(get("/v1/sessions"));
  EXPECT_EQ(all.at("sessions").as_array().size(), 2u);
  const json::value mine = ok(get("/v1/sessions?account=1001"));
  ASSERT_EQ(mine.at("sessions").as_array().size(), 1u);
  EXPECT_EQ(mine.at("sessions").at(0).at("session").as_string(), id);
  EXPECT_EQ(mine.at("sessions").at(0).at("reserved").as_string(), "1.000000");
  EXPECT_EQ(ok(get("/v1/accounts/1001")).at("available").as_string(), "99.000000");
  EXPECT_EQ(ok(get("/v1/sessions?limit=1")).at("sessions").as_array().size(), 1u);
  ok(del("/v1/sessions/" + encode_url(id)));
  EXPECT_THAT(error_of(del("/v1/sessions/" + encode_url(id)), 404), HasSubstr("no session"));
  EXPECT_EQ(ok(get("/v1/accounts/1001")).at("available").as_string(), "100.000000");
  EXPECT_EQ(error_of(get("/v1/sessions?limit=many"), 400), "a limit is a number up to 100000");
}

TEST_F(ApiTest, HostileSessionIdsSpoilNoAnswer) {
  create_account("1001", "100");
  const std::string id("\0\xff\"\x1b[2J;/%", 9);
  EXPECT_EQ(request(RequestType::initial, 0, id, "1001", {}, 10 << 20), Outcome::success);
  const json::value listed = ok(get("/v1/sessions"));
  EXPECT_EQ(ok(get("/v1/ledger/1001?limit=1")).at("rows").at(0).at("kind").as_string(),
            "session_opened");
  EXPECT_THAT(error_of(del("/v1/sessions/%FF"), 404), HasSubstr("no session"));
  ok(del(std::string(listed.at("sessions").at(0).at("path").as_string())));
}

TEST_F(ApiTest, LedgerShowsWhatEachThingCost) {
  create_account("1001", "1");
  request(RequestType::initial, 0, "data;1", "1001", {}, 5 << 20);
  request(RequestType::update, 1, "data;1", "1001", 5 << 20, 5 << 20);
  request(RequestType::termination, 2, "data;1", "1001", 6 << 20, {});
  const json::array rows = ok(get("/v1/ledger/1001")).at("rows").as_array();
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(rows[0].at("kind").as_string(), "account_created");
  EXPECT_EQ(rows[2].at("kind").as_string(), "top_up");
  EXPECT_EQ(rows[2].at("amount").as_string(), "1.000000");
  EXPECT_EQ(rows[2].at("balance").as_string(), "1.000000");
  EXPECT_EQ(rows[4].at("session").as_string(), "data;1");
  EXPECT_EQ(rows[4].at("rule").as_string(), "data/10");
  EXPECT_EQ(rows[4].at("units").as_int64(), 5 << 20);
  EXPECT_EQ(rows[4].at("amount").as_string(), "-0.500000");
  EXPECT_EQ(rows[4].at("tariff").as_int64(), 1);
  EXPECT_EQ(rows[5].at("kind").as_string(), "session_terminated");
  EXPECT_EQ(rows[5].at("amount").as_string(), "-0.600000");
  EXPECT_EQ(rows[5].at("overage").as_string(), "0.100000");
  EXPECT_EQ(rows[5].at("balance").as_string(), "0.000000");

  const json::value newest = ok(get("/v1/ledger/1001?limit=2"));
  EXPECT_EQ(newest.at("rows").at(0), rows[4]);
  const std::uint64_t before = static_cast<std::uint64_t>(newest.at("next_before").as_int64());
  const json::value older = ok(get(fmt::format("/v1/ledger/1001?limit=3&before={}", before)));
  ASSERT_EQ(older.at("rows").as_array().size(), 3u);
  EXPECT_EQ(older.at("rows").at(2), rows[3]);
  EXPECT_THAT(error_of(get("/v1/ledger/1001?limit=0"), 400), HasSubstr("limit"));
  EXPECT_THAT(error_of(get("/v1/ledger/nobody"), 404), HasSubstr("no account"));
}

TEST_F(ApiTest, BalancesOfManyAccountsAsCsvAndJson) {
  std::string file = "msisdn,imsi,account,kind,balance,credit_limit\n";
  for (int i = 0; i < 2500; ++i) file += fmt::format("86199{:08},,,,1.5,\n", i);
  const json::value imported = ok(post("/v1/subscribers/import", file));
  EXPECT_EQ(imported.at("accounts_created").as_int64(), 2500);
  const auto csv = client().get("/v1/balances?format=csv");
  ASSERT_TRUE(csv.has_value());
  EXPECT_EQ(std::count(csv->body.begin(), csv->body.end(), '\n'), 2501);
  EXPECT_TRUE(
      csv->body.starts_with("account,kind,currency,balance,reserved,available,overage\n"
                            "8619900000000,prepaid,CNY,1.500000,0.000000,1.500000,0.000000\n"));
  EXPECT_EQ(ok(get("/v1/balances")).at("balances").as_array().size(), 2500u);
  EXPECT_EQ(get("/v1/balances?format=xml").status, 400u);
}

TEST_F(ApiTest, NoAccountsGiveAnEmptyList) {
  EXPECT_EQ(ok(get("/v1/balances")).at("balances").as_array().size(), 0u);
}

TEST_F(ApiTest, TariffsAreLoadedListedAndShown) {
  const JsonAnswer wrong = post("/v1/tariffs?file=new.yaml", "tariff: x\nservicez: {}\n");
  EXPECT_THAT(error_of(wrong, 422), HasSubstr("nothing was loaded"));
  const json::value& first = wrong.body.at("error").at("errors").at(0);
  EXPECT_EQ(first.at("file").as_string(), "new.yaml");
  EXPECT_GT(first.at("line").as_int64(), 0);
  const json::value listed = ok(get("/v1/tariffs"));
  ASSERT_EQ(listed.at("tariffs").as_array().size(), 1u);
  EXPECT_TRUE(listed.at("tariffs").at(0).at("in_force").as_bool());
  const json::value shown = ok(get("/v1/tariffs/1"));
  EXPECT_EQ(shown.at("name").as_string(), "demo-cn");
  EXPECT_THAT(std::string(shown.at("source").as_string()), HasSubstr("currency: CNY"));
  EXPECT_EQ(ok(get("/v1/tariffs/current")).at("version").as_int64(), 1);
  EXPECT_THAT(error_of(get("/v1/tariffs/9"), 404), HasSubstr("no tariff version"));

  std::string dollars(shown.at("source").as_string());
  dollars.replace(dollars.find("CNY"), 3, "USD");
  EXPECT_THAT(error_of(post("/v1/tariffs", dollars), 422), HasSubstr("kept in CNY"));
  ok(post("/v1/tariffs", std::string(shown.at("source").as_string())));
  EXPECT_EQ(ok(get("/v1/tariffs")).at("tariffs").as_array().size(), 2u);
}

TEST_F(ApiTest, ATariffWithTablesComesBackAsItWas) {
  const std::string bytes = tariffs::canonical_bytes(
      {"tariff: t\ncurrency: CNY\ntime_zone: UTC\nvalid_from: 2026-01-01T00:00:00\n"
       "tables: {zones: zones.csv}\nservices: {voice: {context: 32260@3gpp.org, unit: seconds,\n"
       "  grant: {maximum: 1 h}, prices: [{default: true, zone: eu, amount: 1, per: 1 s},\n"
       "  {default: true, price: none}]}}\n",
       {{"zones.csv", "prefix,zone\n49,eu\n"}}});
  ok(post("/v1/tariffs", bytes));
  const json::value shown = ok(get("/v1/tariffs/2"));
  EXPECT_THAT(std::string(shown.at("source").as_string()), testing::StartsWith("tariff: t\n"));
  EXPECT_EQ(json::serialize(shown.at("tables")), R"([{"name":"zones.csv","bytes":18}])");
  EXPECT_EQ(client().get("/v1/tariffs/2/source")->body, bytes);
  EXPECT_EQ(get("/v1/tariffs/9/source").status, 404u);

  std::string broken = bytes;
  broken.back() = '5';
  const JsonAnswer wrong = post("/v1/tariffs", broken + "more");
  EXPECT_THAT(error_of(wrong, 422), HasSubstr("nothing was loaded"));
}

TEST_F(ApiTest, PricesAreAnswered) {
  const json::value price =
      ok(get("/v1/tariffs/price?context=32251@3gpp.org&rating_group=10&units=1048577"));
  EXPECT_EQ(price.at("amount").as_string(), "0.100098");
  EXPECT_EQ(price.at("rule").as_string(), "data/10");
  EXPECT_EQ(ok(get("/v1/tariffs/price?context=voice&units=60")).at("amount").as_string(),
            "0.150000");
  EXPECT_THAT(error_of(get("/v1/tariffs/price?context=data&rating_group=99&units=1"), 422),
              HasSubstr("no price"));
  EXPECT_EQ(get("/v1/tariffs/price?units=1").status, 400u);
}

TEST_F(ApiTest, DiscountsAndTaxAreShown) {
  create_account("1001", "100");
  ok(post("/v1/tariffs", R"(
tariff: taxed
currency: CNY
time_zone: Asia/Shanghai
valid_from: 2026-01-01T00:00:00
tax: 6
discounts: {half: {percent: 50}}
surcharges: {abroad: {amount: 1.00, per: session, serving_network: 262}}
services:
  data:
    context: 32251@3gpp.org
    unit: octets
    grant: {maximum: 100 MiB}
    prices: [{default: true, amount: 0.20, per: 1 MiB, rounding: down}]
)"));
  const json::value tariff = ok(get("/v1/tariffs/current"));
  EXPECT_EQ(tariff.at("discounts").at(0).at("text").as_string(), "less half 50 %");
  EXPECT_EQ(tariff.at("surcharges").at(0).at("where").as_string(), "/262");
  EXPECT_EQ(tariff.at("rules").at(1).at("rule").as_string(), "data/* less half 50 %");
  EXPECT_EQ(tariff.at("rules").at(1).at("price").at("tax_rate").as_string(), "6");
  const json::value price = ok(get("/v1/tariffs/price?context=data&units=1048576"));
  EXPECT_EQ(price.at("amount").as_string(), "0.100000");
  EXPECT_EQ(price.at("pieces").at(0).at("tax").as_string(), "0.005660");
  request(RequestType::initial, 0, "data;1", "1001", {}, 5 << 20);
  request(RequestType::termination, 1, "data;1", "1001", 10 << 20, {});
  const json::value row = ok(get("/v1/ledger/1001?limit=1")).at("rows").at(0);
  EXPECT_EQ(row.at("rule").as_string(), "data/* less half 50 %");
  EXPECT_EQ(row.at("amount").as_string(), "-1.000000");
  EXPECT_EQ(row.at("tax_rate").as_string(), "6");
  EXPECT_EQ(row.at("tax").as_string(), "-0.056603");
}

TEST_F(ApiTest, StatusAndMetricsCountRequests) {
  create_account("1001", "100");
  request(RequestType::initial, 0, "s1", "1001", {}, 1 << 20);
  request(RequestType::initial, 0, "s2", "9999", {}, 1 << 20);
  const json::value status = ok(get("/v1/status"));
  EXPECT_EQ(status.at("accounts").as_int64(), 1);
  EXPECT_EQ(status.at("sessions_open").as_int64(), 1);
  EXPECT_EQ(status.at("requests").at("initial").at("success").as_int64(), 1);
  EXPECT_EQ(status.at("requests").at("initial").at("user_unknown").as_int64(), 1);
  EXPECT_EQ(status.at("tariff").at("name").as_string(), "demo-cn");
  EXPECT_GT(status.at("ledger").at("free_disk_bytes").to_number<std::uint64_t>(), 0u);
  const auto metrics = client().get("/metrics");
  ASSERT_TRUE(metrics.has_value());
  EXPECT_THAT(metrics->body,
              HasSubstr("farthing_requests_total{type=\"initial\",result=\"success\"} 1"));
  EXPECT_THAT(metrics->body, HasSubstr("# TYPE farthing_commit_seconds histogram"));
  EXPECT_THAT(metrics->body, HasSubstr("farthing_commit_seconds_bucket{le=\"+Inf\"}"));
}

TEST_F(ApiTest, OperatorAndReasonStandInTheLedger) {
  create_account("1001", "0");
  ok(post("/v1/accounts/1001/adjust", R"({"amount":"3","reason":"goodwill","request_id":"r"})"));
  const json::value row = ok(get("/v1/ledger/1001?limit=1")).at("rows").at(0);
  EXPECT_FALSE(row.at("operator").as_string().empty());
  EXPECT_EQ(row.at("reason").as_string(), "goodwill");
  EXPECT_EQ(row.at("request_id").as_string(), "r");
}

}  // namespace
}  // namespace farthing::engine::admin
