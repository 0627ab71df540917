// Package awssim is a small AWS on loopback: SQS, SNS, KMS, S3, STS, Organizations and CloudTrail's public keys over
// HTTP, spoken to by the unmodified aws-sdk-go-v2, with CloudTrail's event for the KMS calls made to it. It serves
// `rotd demo` and the tests.
//
// What it is for:
//
//   - real semantics where rotd depends on them: visibility timeouts, receipt handles, redrive to a dead-letter
//     queue, per-entry failures of batches, typed errors in each service's own wire format;
//   - time that tests drive ([Clock]), faults that tests plan ([Fault], [Sim.Outage], [Disorder]);
//   - an oracle: what was asked and what changed, told by the simulator itself ([Sim.Requests]).
//
// What it is not: it is no proof about AWS. Everything here follows the SDK's source and AWS's documentation, and
// nothing of it has been verified against real AWS. The access key must be known, but signatures are verified of
// presigned requests to STS only; resource policies are not evaluated, nothing is stored on disk, and it listens on
// loopback only.
//
// To add an operation, write its function (see call.go) and enter it in the table of its
// service: sqs_service.go, sns_service.go, s3_service.go, sts_service.go, kms_call.go. To add a service, give New
// another one in sim.go. Wire formats are in protocol_json.go, protocol_query.go and s3_protocol.go.
//
// No production code imports it; of what rotd runs, only `rotd demo` does.
//
// The way of a request:
//
//	credential scope → service, Region, access key
//	outage?          → connection cut
//	principal        → unknown key: the protocol's own error
//	operation        → from X-Amz-Target, Action= or the S3 path
//	faults           → BeforeEffect
//	Allow list       → access denied; an IAM policy's resources and conditions are judged by the operation
//	the operation    → effect, then the service's observer (CloudTrail)
//	faults           → AfterEffect
//	latency, answer  → faults AfterAnswer
package awssim
