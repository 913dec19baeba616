// The load program: how many delegated payments a second does the reference
// processor carry, and what does one cost?
//
//	go run ./examples/loadtest -seconds 60 -json
//
// It builds the processor, starts it as a process of its own on an empty
// folder, and pays over real HTTPS on loopback. Issuer, principals, agents and
// merchants are this program's: it serves their documents and the list of
// mandates' states, also over HTTPS, and the processor fetches them as it would
// anybody's. Every payment is a whole one (PSD-PAY-DEL): an order confirmed by
// its merchant, a request signed by its agent with the mandate inside, a fresh
// nonce, a trade that is on the disk before the answer leaves, and an answer
// with a proof. Nothing of the processor is switched off.
//
// The load is an open loop: when payments come in is drawn beforehand (a
// Poisson process), nobody waits for an earlier one to be answered, and latency
// counts from the moment at which a payment was meant to be sent. A processor
// that cannot keep up is seen as such, and not spared. The clock by which they
// are sent beats once a millisecond: what that costs counts as latency too.
//
// Without -rate the highest rate is found at which p99 stays under 50 ms: first
// as many payments as the connections carry, for a moment, then a few probes of
// some seconds below that. Nine tenths of the highest that passed are measured
// for -seconds, whatever p99 is then: a long run has worse moments than a short
// probe. -rate states one.
//
// Orders and requests are signed before they are sent, in rounds that are well
// within the five minutes of a request's age, since the work of agents and
// merchants is not the processor's. What is kept of each is how it differs from
// others, some 300 bytes.
//
// # Figures
//
//   - payments_per_second: answered with a result, over the time from the first
//     intended start to the last answer
//   - p50_ms, p99_ms: of the latency
//   - errors: answers that are not the result of their request, and connections
//     that broke; afterwards the book is audited and a sample of the answers is
//     verified, and the program fails when either is wrong
//   - cpu_us_per_payment: processor time of the processor's process, all of it,
//     kernel included, while payments were made; of several processes the sum.
//     PostgreSQL's processes are not counted
//   - floor_us_per_payment: what the signatures cost which a payment cannot do
//     without, on the same machine, before and after the run: checking the
//     agent's and the merchant's, making that of the proof and of the answer;
//     Ed25519 by the standard library over texts of the same length, on all cores
//     at once. The mandate's is checked once for many payments and not counted
//   - ratio: of these two
//   - rate, note: payments a second that came in, and how that was found, if it
//     was
//   - rss_mib: the most memory the processor's process ever had; of several
//     processes, the largest
//
// Without -json it says besides in which stage of a payment the processor spends
// its time, from a CPU profile that the processor makes while payments come in.
package main
