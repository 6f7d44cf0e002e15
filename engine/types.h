// What the engine is asked and what it answers: credit control (RFC 8506) without its wire.
//
// A Request views the bytes it was decoded from (Session-Id, attributes): they must outlive the
// call that decides it. Vectors are meant to be reused from request to request, so that nothing is
// allocated once warm. Plain values; no thread owns them but the one that holds them.
#pragma once

#include "engine/base/named.h"
#include "engine/base/time.h"
#include "storage/ledger_store.h"
#include "tariffs/money.h"
#include "tariffs/tariff.h"
#include "tariffs/units.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace farthing::engine {

using base::Duration;
using base::Time;
using storage::Sequence;
using tariffs::LifeState;
using tariffs::Money;
using tariffs::RatingGroup;
using tariffs::ServiceIdentifier;
using tariffs::ServiceKey;
using tariffs::Unit;

// Internal numbers, never shown as identities. An account's from 1 in the order of creation; a
// session's is the sequence of the ledger entry that opened it.
using AccountNumber = base::Named<struct AccountNumberTag, std::uint64_t>;
using SessionNumber = base::Named<struct SessionNumberTag, std::uint64_t>;
using BucketNumber = base::Named<struct BucketNumberTag, std::uint32_t>;  // from 1 in each account
using SubscriptionNumber = base::Named<struct SubscriptionNumberTag, std::uint32_t>;  // likewise
using CounterNumber = base::Named<struct CounterNumberTag, std::uint32_t>;            // likewise
// From 1 in each account; 0 stands for the account itself.
using SubscriberNumber = base::Named<struct SubscriberNumberTag, std::uint16_t>;

// A subscriber's E.164 number or IMSI in 64 bits: the kind, then up to 15 digits of 4 bits each.
class Identity {
 public:
  enum class Kind : std::uint8_t { none = 0, e164 = 1, imsi = 2 };

  constexpr Identity() = default;
  // `digits` without a plus; nullopt where it is empty, longer than 15 or holds anything else.
  static std::optional<Identity> make(Kind kind, std::string_view digits);
  static constexpr Identity from_bits(std::uint64_t bits) { return Identity(bits); }

  constexpr Kind kind() const { return static_cast<Kind>(bits_ >> 60); }
  constexpr std::uint64_t bits() const { return bits_; }
  std::string digits() const;

  friend constexpr bool operator==(Identity, Identity) = default;
  friend std::size_t hash_value(Identity identity);

 private:
  constexpr explicit Identity(std::uint64_t bits) : bits_(bits) {}
  std::uint64_t bits_ = 0;
};

// CC-Request-Type (RFC 8506 8.3). The numbers stand in the ledger.
enum class RequestType : std::uint8_t { initial = 1, update = 2, termination = 3, event = 4 };

// Requested-Action (RFC 8506 8.41): has a meaning in event requests only.
enum class RequestedAction : std::uint8_t {
  direct_debiting = 0,
  refund_account = 1,
  check_balance = 2,
  price_enquiry = 3,
};

// What tells one request of a session from another, and a repeated request from a new one.
struct RequestKey {
  RequestType type = RequestType::initial;
  std::uint32_t number = 0;       // CC-Request-Number
  std::uint64_t sub_session = 0;  // CC-Sub-Session-Id
  std::uint64_t content = 0;      // hash of what is charged
  std::uint32_t end_to_end = 0;   // End-to-End Identifier of the Diameter header

  friend bool operator==(const RequestKey&, const RequestKey&) = default;
};

// Units that a client asks for (Requested-Service-Unit). All absent: the server decides.
struct RequestedUnits {
  std::optional<std::uint32_t> seconds;
  std::optional<std::uint64_t> total_octets;
  std::optional<std::uint64_t> input_octets;
  std::optional<std::uint64_t> output_octets;
  std::optional<std::uint64_t> events;
  std::optional<Money> money;

  bool empty() const;
  // In one unit: octets are the total or, without it, both directions together; saturating.
  std::optional<std::uint64_t> in(Unit unit) const;
};

// Units that a client reports since its last report (all Used-Service-Units of one MSCC together).
struct UsedUnits {
  std::optional<std::uint64_t> seconds;
  std::optional<std::uint64_t> octets;
  std::optional<std::uint64_t> events;
  std::optional<Money> money;

  std::optional<std::uint64_t> in(Unit unit) const;
};

// One Multiple-Services-Credit-Control, or the units of the command itself where there is none.
struct ServiceRequest {
  std::optional<RatingGroup> rating_group;
  std::vector<ServiceIdentifier> service_identifiers;
  std::optional<RequestedUnits> requested;
  std::optional<UsedUnits> used;
  std::optional<UsedUnits> used_after;  // of these, those after the last change of the tariff
  // It was reported because it is over, or was long unused (Reporting-Reason FINAL, QHT): whatever
  // is asked for, nothing is granted (TS 32.299 7.2.160, 7.2.175).
  bool is_given_back = false;
};

// Bytes that came with a request and may matter to rating, named by number (see attributes.h).
struct AttributeView {
  std::uint8_t id = 0;
  std::string_view value;
};

// How a client is made to report when the price changes by the clock (RFC 8506 5.1.1, 5.1.2).
enum class TariffChange : std::uint8_t {
  validity,    // its grant is good until then
  one_quota,   // it is told when, and says what was used before and after
  two_quotas,  // and it takes a quota for each
};

// What the client that asks can do, as far as it matters to what it is granted.
struct Client {
  bool acts_at_end = true;  // it can redirect and restrict (RFC 8506 5.6.2, 5.6.3)
  TariffChange tariff_change = TariffChange::validity;
  bool knows_not_applicable = false;  // it serves without credit control what is free (4011)
  bool names_rating_groups = false;   // what has none is refused (5031)
  std::string_view via = {};          // the peer that brought the request, as an attribute
};

struct Request {
  std::string_view session_id;
  RequestKey key;
  bool retransmitted = false;  // the T flag: a hint that the server may have seen it
  RequestedAction action = RequestedAction::direct_debiting;
  std::string_view service_context;
  std::vector<Identity> identities;  // in the order of preference; the unknown ones are passed over
  std::optional<Time> event_time;
  bool command_level = false;  // services[0] came from the command itself, not from an MSCC
  std::vector<ServiceRequest>
      services;  // the first `service_count` count; the rest is spare memory
  std::size_t service_count = 0;
  std::vector<AttributeView> attributes;
  std::uint64_t attributes_hash = 0;
  Client client;
  bool asks_cost = false;  // what the session has cost so far (AoC-Request-Type)

  void clear();
  ServiceRequest& add_service();
};

// How a request, or one service of it, can end. One table (diameter/credit_control.cc) gives each
// its Result-Code. The numbers stand in the ledger: never change one, only add.
enum class Outcome : std::uint8_t {
  success = 0,
  service_denied = 1,        // suspended, or not allowed to use this
  credit_limit_reached = 2,  // the balance cannot pay
  rating_failed = 3,         // no price for what was asked
  user_unknown = 4,      // no identity is a subscriber's, or they are subscribers of two accounts
  unknown_session = 5,   // neither open nor among the remembered
  unable_to_comply = 6,  // no tariff in force, or a limit of this server
  too_busy = 7,          // shedding: too little disk or too much work
  not_applicable = 8,    // free, to a client that wants no credit control then
};

// Which AVP a rating failure is about (Failed-AVP, RFC 8506 9.2).
enum class Fault : std::uint8_t { none = 0, service_context = 1, rating_group = 2, units = 3 };

// Units granted: one type, mirroring what was asked (RFC 8506 8.17).
struct Grant {
  Unit unit = Unit::octets;
  std::uint64_t amount = 0;
  // Octets asked by direction are granted by direction: so many of `amount` are input.
  std::optional<std::uint64_t> input;
  bool by_direction = false;
};

// What decided about the size of a grant.
enum class GrantReason : std::uint8_t {
  asked,         // as much as the client asked for
  usual,         // the tariff's size: the client asked for none
  maximum,       // the tariff's largest
  often,         // larger, as reports come too often
  price_change,  // until the price changes by the clock
  threshold,     // until the price changes by a counter, or a ceiling is reached
  border,        // until an allowance ends or the price of a unit changes
  balance_size,  // the size that the tariff has for such a balance
  shared,        // a part of what can be paid, for the account's sessions
  balance,       // all that can be paid
};

struct ServiceAnswer {
  std::optional<RatingGroup> rating_group;
  std::vector<ServiceIdentifier> service_identifiers;
  Outcome outcome = Outcome::success;
  Fault fault = Fault::none;
  std::optional<Grant> grant;
  std::uint32_t validity_seconds = 0;  // with a grant, or with a final action
  // The last grant; and what becomes of who has used it up, or, without a grant, at once
  // (tariffs/final_unit.h): "": its service ends. Views the tariff, or the kept answer.
  bool final_unit = false;
  std::string_view final_action = {};
  // With a grant (tariffs/quota.h): unused for so long, it is given back; nullopt: not said. With
  // so much of it left the next one is asked for; 0: with nothing.
  std::optional<std::uint32_t> holding_seconds;
  std::uint32_t threshold = 0;
  // With a grant: what goes with it as it is (tariffs::GrantTerm). Views as final_action does.
  std::string_view grant_terms = {};
  // With a grant: when its price changes. It is good for before and after, or there are two: as
  // much again for after.
  std::optional<Time> tariff_change;
  bool has_second = false;
  // With a grant: of an answer that was just decided; kept ones do not say it.
  GrantReason grant_reason = GrantReason::asked;
};

struct Answer {
  Outcome outcome = Outcome::success;
  Fault fault = Fault::none;
  bool command_level = false;
  std::vector<ServiceAnswer> services;  // the first `service_count` count
  std::size_t service_count = 0;
  std::optional<bool> enough_credit;  // Check-Balance-Result
  // Cost-Information: of a price enquiry or a debit, or of a session so far, without what is only
  // reserved (RFC 8506 5.3, 8.7).
  std::optional<Money> cost;
  // The balance, where it is below what the tariff calls low (TS 32.299 7.2.95, 7.2.169).
  std::optional<Money> low_balance;

  void clear();
  ServiceAnswer& add_service();
};

}  // namespace farthing::engine
