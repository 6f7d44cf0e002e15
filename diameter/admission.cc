#include "diameter/admission.h"

#include "diameter/peer.h"
#include "diameter/raw_avps.h"

#include <algorithm>
#include <cmath>

namespace farthing::diameter {

namespace {

AvpId id_of(const RawAvps& avps) { return find_avp(avps.vendor(), avps.code()); }

// What has to be known of a request to turn it away.
struct Sketch {
  Header header;
  Bytes session_id;
  std::uint32_t type = 0;
  std::uint32_t action = 0;
  bool reports_usage = false;
  bool announces_doic = false;
  bool has_proxy_info = false;
};

bool reports_usage(Bytes mscc) {
  RawAvps avps(mscc);
  while (avps.next()) {
    if (id_of(avps) == AvpId::used_service_unit) return true;
  }
  return false;
}

// Nothing: no credit control request, or one that is not in order: decoding it says what is wrong.
std::optional<Sketch> sketch_of(Bytes frame) {
  if (frame.size() < header_size_bytes) return std::nullopt;
  Sketch sketch;
  sketch.header = header_of(frame);
  const bool is_ours = sketch.header.is_request() && !sketch.header.is_error() &&
                       sketch.header.command == command::credit_control &&
                       sketch.header.application == application::credit_control;
  if (!is_ours) return std::nullopt;
  RawAvps avps(body_of(frame));
  while (avps.next()) {
    const bool is_number = avps.value().size() == 4;
    switch (id_of(avps)) {
      case AvpId::session_id:
        if (sketch.session_id.empty()) sketch.session_id = avps.value();
        break;
      case AvpId::cc_request_type:
        if (is_number && sketch.type == 0) sketch.type = avps.u32();
        break;
      case AvpId::requested_action:
        if (is_number) sketch.action = avps.u32();
        break;
      case AvpId::multiple_services_credit_control:
        sketch.reports_usage = sketch.reports_usage || reports_usage(avps.value());
        break;
      case AvpId::used_service_unit:
        sketch.reports_usage = true;
        break;
      case AvpId::oc_supported_features:
        sketch.announces_doic = true;
        break;
      case AvpId::proxy_info:
        sketch.has_proxy_info = true;
        break;
      default:
        break;
    }
  }
  if (!avps.is_whole() || sketch.session_id.empty()) return std::nullopt;
  return sketch;
}

Urgency urgency_of(const Sketch& sketch) {
  constexpr std::uint32_t initial = 1;
  constexpr std::uint32_t update = 2;
  constexpr std::uint32_t event = 4;
  constexpr std::uint32_t refund_account = 1;
  if (sketch.reports_usage) return Urgency::reports;
  switch (sketch.type) {
    case initial:
      return Urgency::begins;
    case update:
      return Urgency::asks;
    case event:
      return sketch.action == refund_account ? Urgency::reports : Urgency::begins;
    default:
      return Urgency::reports;
  }
}

// RFC 6733 7.2.
void write_too_busy(Buffer& out, Bytes frame, const Sketch& sketch, const Identity& identity,
                    const std::optional<OverloadReport>& report) {
  Writer writer(out);
  writer.begin_answer(sketch.header, true);
  writer.put_bytes(AvpId::session_id, sketch.session_id);
  writer.put_text(AvpId::origin_host, identity.origin_host);
  writer.put_text(AvpId::origin_realm, identity.origin_realm);
  writer.put_result(ResultCode::too_busy);
  if (sketch.announces_doic) put_overload_report(writer, report);
  if (sketch.has_proxy_info) {
    RawAvps avps(body_of(frame));
    while (avps.next()) {
      if (id_of(avps) == AvpId::proxy_info) out.append(avps.whole());
    }
  }
  writer.finish();
}

}  // namespace

void put_overload_report(Writer& writer, const std::optional<OverloadReport>& report) {
  constexpr std::uint64_t loss_algorithm = 1;  // OLR_DEFAULT_ALGO
  constexpr std::uint32_t host_report = 0;
  writer.begin_group(AvpId::oc_supported_features);
  writer.put_u64(AvpId::oc_feature_vector, loss_algorithm);
  writer.end_group();
  if (!report) return;
  writer.begin_group(AvpId::oc_olr);
  writer.put_u64(AvpId::oc_sequence_number, report->sequence);
  writer.put_u32(AvpId::oc_report_type, host_report);
  writer.put_u32(AvpId::oc_reduction_percentage, report->reduction_percent);
  writer.put_u32(AvpId::oc_validity_duration, report->validity_seconds);
  writer.end_group();
}

bool Admission::turns_away(Bytes frame, Pressure pressure, Peer& peer) {
  if (pressure == Pressure::none) return false;
  const std::optional<Sketch> sketch = sketch_of(frame);
  if (!sketch) return false;
  const Urgency urgency = urgency_of(*sketch);
  const Urgency served_from = pressure == Pressure::some ? Urgency::asks : Urgency::reports;
  if (urgency >= served_from) return false;
  ++turned_away_[static_cast<std::size_t>(urgency)];
  write_too_busy(peer.ready_buffer(), frame, *sketch, identity_, report_);
  return true;
}

void Admission::review(std::uint64_t served) {
  constexpr double most = 0.95;    // some traffic must show when it is over
  constexpr double easing = 0.75;  // of the reduction, a review without anything turned away
  constexpr double least = 0.02;
  constexpr std::uint32_t validity_seconds = 10;
  constexpr unsigned reviews_said_over = 30;
  const std::uint64_t all = turned_away_[0] + turned_away_[1];
  const std::uint64_t now = all - reviewed_;
  reviewed_ = all;
  if (now > 0) {
    // What comes is what the clients let through: a share of that is too much, still.
    const double share = static_cast<double>(now) / static_cast<double>(now + served);
    reduction_ = std::min(most, 1 - (1 - reduction_) * (1 - share));
  } else {
    reduction_ *= easing;
    if (reduction_ < least) reduction_ = 0;
  }
  const auto percent = static_cast<std::uint32_t>(std::lround(reduction_ * 100));
  if (percent == 0) {
    if (!report_) return;
    if (report_->validity_seconds > 0) {
      report_ = OverloadReport{++sequence_, 0, 0};
      quiet_ = 0;
    } else if (++quiet_ >= reviews_said_over) {
      report_.reset();
    }
    return;
  }
  // Also where it is the same: by its number clients know that it holds on.
  report_ = OverloadReport{++sequence_, percent, validity_seconds};
}

}  // namespace farthing::diameter
