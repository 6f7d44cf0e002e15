// Requests that no client would send, from their bytes to those of their answers: every answer is a
// sound message, and a repeated request gets the same bytes.
#include "diameter/credit_control.h"
#include "diameter/writer.h"
#include "tests/support/invariants.h"
#include "tests/support/test_engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace farthing::diameter {
namespace {

constexpr std::size_t answer_size_bytes_max = 1u << 20;

// Everything that credit control reads, and some that it does not.
constexpr std::array pool = {
    AvpId::service_context_id,
    AvpId::cc_sub_session_id,
    AvpId::event_timestamp,
    AvpId::subscription_id,
    AvpId::subscription_id_type,
    AvpId::subscription_id_data,
    AvpId::user_name,
    AvpId::requested_action,
    AvpId::requested_service_unit,
    AvpId::used_service_unit,
    AvpId::multiple_services_credit_control,
    AvpId::multiple_services_credit_control,
    AvpId::rating_group,
    AvpId::service_identifier,
    AvpId::cc_time,
    AvpId::cc_total_octets,
    AvpId::cc_input_octets,
    AvpId::cc_output_octets,
    AvpId::cc_service_specific_units,
    AvpId::cc_money,
    AvpId::unit_value,
    AvpId::value_digits,
    AvpId::exponent,
    AvpId::currency_code,
    AvpId::service_information,
    AvpId::called_party_address,
    AvpId::tgpp_user_location_info,
    AvpId::proxy_info,
    AvpId::granted_service_unit,
    AvpId::failed_avp,
};

class Sender {
 public:
  Sender() : control_(Identity{"ocs.example", "example", 1}, engine_.shard()) {}

  // A request with random content, sometimes with its bytes damaged.
  void make(std::uint64_t seed) {
    random_.seed(seed);
    begin(static_cast<std::uint32_t>(1 + below(4)), static_cast<std::uint32_t>(below(6)));
    Writer writer(frame_);
    write_top(writer);
    for (std::uint64_t i = below(12); i > 0; --i) put_any(writer, 0);
    writer.finish();
    if (below(3) == 0) {
      for (std::uint64_t i = below(8); i > 0; --i) {
        frame_.data()[20 + below(frame_.size() - 20)] = static_cast<std::uint8_t>(random_());
      }
    }
  }

  void begin(std::uint32_t type, std::uint32_t number) {
    frame_.clear();
    type_ = type;
    number_ = number;
    context_ = std::array{"32251@3gpp.org", "32260@3gpp.org", "32274@3gpp.org", "x"}[below(4)];
  }
  void write_top(Writer& writer) {
    const auto flags = static_cast<std::uint8_t>(below(8) == 0 ? 0xd0 : 0xc0);
    writer.begin(Header{flags, command::credit_control, application::credit_control,
                        static_cast<std::uint32_t>(random_()), 7});
    writer.put_text(AvpId::session_id, "s" + std::to_string(below(4)));
    writer.put_text(AvpId::origin_host, "pgw.example");
    writer.put_text(AvpId::origin_realm, "example");
    writer.put_text(AvpId::destination_realm, "example");
    writer.put_text(AvpId::service_context_id, context_);
    writer.put_u32(AvpId::cc_request_type, type_);
    writer.put_u32(AvpId::cc_request_number, number_);
    writer.begin_group(AvpId::subscription_id);
    writer.put_u32(AvpId::subscription_id_type, 0);
    writer.put_text(AvpId::subscription_id_data, below(5) == 0 ? "8613800138001" : "8613800138000");
    writer.end_group();
    if (type_ == 4) writer.put_u32(AvpId::requested_action, static_cast<std::uint32_t>(below(5)));
  }

  std::string handle(Bytes frame) {
    answer_.clear();
    const auto decoded = decode(frame, message_);
    if (!decoded.has_value()) {
      if (decoded.error().is_fatal()) return "fatal";
      write_error_answer(answer_, message_, Identity{"ocs.example", "example", 1},
                         decoded.error().code, decoded.error().failed_avp);
    } else {
      control_.decide(message_);
      control_.write(message_, answer_);
    }
    return {reinterpret_cast<const char*>(answer_.data()), answer_.size()};
  }

  // "" or what is wrong with the answer.
  std::string check() {
    const engine::Sequence before = engine_.shard().book().last();
    const std::string first = handle(frame_.bytes());
    if (std::string wrong = test::broken_invariant(engine_.shard().book()); !wrong.empty()) {
      return wrong;
    }
    if (answer_.empty()) return {};
    if (answer_.size() > answer_size_bytes_max) return "the answer is too long";
    const Header asked = message_.header();
    // A refused request's Session-Id and Proxy-Info go back as they came, sound or not.
    const bool is_sound = decode(frame_.bytes(), message_).has_value();
    if (const auto sound = decode(answer_.bytes(), answer_message_);
        is_sound && !sound.has_value()) {
      return fmt::format("the answer is no message: {} at {} of {}, to {}",
                         static_cast<int>(sound.error().code), sound.error().offset, answer_.size(),
                         frame_.size());
    }
    if (answer_message_.header().is_request()) return "the answer is a request";
    if (answer_message_.header().hop_by_hop != asked.hop_by_hop)
      return "it answers another request";
    if (answer_message_.find(AvpId::result_code) == nullptr) return "it has no Result-Code";
    const engine::Sequence entered = engine_.shard().book().last();
    if (entered == before) return {};
    if (below(3) == 0) engine_.sync();
    if (handle(frame_.bytes()) != first) return "a repeated request was answered otherwise";
    if (engine_.shard().book().last() != entered) return "a repeated request was decided again";
    return {};
  }

  Buffer& frame() { return frame_; }

 private:
  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  void put_any(Writer& writer, int depth) {
    const AvpId id = pool[below(pool.size())];
    switch (definition(id).type) {
      case AvpType::grouped:
        writer.begin_group(id);
        for (std::uint64_t i = depth < 5 ? below(5) : 0; i > 0; --i) put_any(writer, depth + 1);
        writer.end_group();
        break;
      case AvpType::unsigned32:
      case AvpType::enumerated:
        writer.put_u32(id, static_cast<std::uint32_t>(below(2) == 0 ? below(100) : random_()));
        break;
      case AvpType::integer32:
        writer.put_i32(id, static_cast<std::int32_t>(below(2) == 0 ? below(9) - 6 : random_()));
        break;
      case AvpType::unsigned64:
        writer.put_u64(id, below(2) == 0 ? below(10'000'000) : random_());
        break;
      case AvpType::integer64:
        writer.put_i64(id, static_cast<std::int64_t>(below(2) == 0 ? below(1000) : random_()));
        break;
      case AvpType::time:
        writer.put_time(id, engine_.now() + std::chrono::seconds(below(600)));
        break;
      case AvpType::address:
        break;
      default:
        writer.put_text(id, std::string(below(20), 'x'));
    }
  }

  test::TestEngine engine_;
  CreditControl control_;
  std::mt19937_64 random_;
  std::uint32_t type_ = 0;
  std::uint32_t number_ = 0;
  std::string context_;
  Message message_;
  Message answer_message_;
  Buffer frame_;
  Buffer answer_;
};

RC_GTEST_PROP(HostileCreditControl, EveryAnswerIsSoundAndGivenAgain, ()) {
  const auto seeds = *rc::gen::scale(2.0, rc::gen::arbitrary<std::vector<std::uint64_t>>());
  const auto sender = std::make_unique<Sender>();
  for (std::uint64_t seed : seeds) {
    sender->make(seed);
    RC_ASSERT(sender->check() == "");
  }
}

// Every one of a thousand services fails for the same long AVP of the command.
TEST(HostileCreditControl, AnAnswerIsNotLongerThanItsRequestByMuch) {
  const auto sender = std::make_unique<Sender>();
  Writer writer(sender->frame());
  writer.begin(Header{0xc0, command::credit_control, application::credit_control, 1, 1});
  writer.put_text(AvpId::session_id, "s");
  writer.put_text(AvpId::origin_host, "pgw.example");
  writer.put_text(AvpId::origin_realm, "example");
  writer.put_text(AvpId::destination_realm, "example");
  writer.put_text(AvpId::service_context_id, std::string(40'000, 'c'));
  writer.put_u32(AvpId::cc_request_type, 1);
  writer.put_u32(AvpId::cc_request_number, 0);
  writer.begin_group(AvpId::subscription_id);
  writer.put_u32(AvpId::subscription_id_type, 0);
  writer.put_text(AvpId::subscription_id_data, "8613800138000");
  writer.end_group();
  for (int i = 0; i < 1000; ++i) {
    writer.begin_group(AvpId::multiple_services_credit_control);
    writer.begin_group(AvpId::requested_service_unit);
    writer.end_group();
    writer.end_group();
  }
  writer.finish();
  EXPECT_EQ(sender->check(), "");
}

}  // namespace
}  // namespace farthing::diameter
