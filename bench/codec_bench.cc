// The codec alone: one CCR-U of some 570 octets decoded with all checks, its CCA encoded.
//   build/codec_bench
#include <benchmark/benchmark.h>

#include <memory>

#include "diameter/message.h"
#include "diameter/writer.h"
#include "tests/diameter/sample_messages.h"

namespace farthing::diameter {
namespace {

void decode_request(benchmark::State& state) {
  Buffer request;
  testing::write_sample_request(request);
  const auto message = std::make_unique<Message>();
  for (auto _ : state) {
    const bool decoded = decode(request.bytes(), *message).has_value();
    benchmark::DoNotOptimize(decoded);
    if (!decoded) state.SkipWithError("not decoded");
  }
  state.counters["octets"] = static_cast<double>(request.size());
  state.counters["avps"] = static_cast<double>(message->tape().size());
}
BENCHMARK(decode_request);

void encode_answer(benchmark::State& state) {
  Buffer request;
  testing::write_sample_request(request);
  const auto message = std::make_unique<Message>();
  if (!decode(request.bytes(), *message).has_value()) state.SkipWithError("not decoded");
  Buffer answer;
  for (auto _ : state) {
    answer.clear();
    testing::write_sample_answer(answer, *message);
    benchmark::DoNotOptimize(answer.data());
  }
  state.counters["octets"] = static_cast<double>(answer.size());
}
BENCHMARK(encode_answer);

// The bar: at most 1 us for both together.
void decode_request_and_encode_answer(benchmark::State& state) {
  Buffer request;
  testing::write_sample_request(request);
  const auto message = std::make_unique<Message>();
  Buffer answer;
  for (auto _ : state) {
    answer.clear();
    if (!decode(request.bytes(), *message).has_value()) state.SkipWithError("not decoded");
    testing::write_sample_answer(answer, *message);
    benchmark::DoNotOptimize(answer.data());
  }
}
BENCHMARK(decode_request_and_encode_answer);

}  // namespace
}  // namespace farthing::diameter

BENCHMARK_MAIN();
