// Package contract says what rotd expects of SQS, SNS, S3 and KMS, as behaviours asked for through the real SDK, and
// asks the simulator of rotd's tests and several independent servers alike. Where an independent server agrees, the
// simulator's author was not the only one to read AWS's documentation that way. It is no proof about AWS: nothing here
// has asked AWS itself.
//
// It is a module of its own, so that the servers stay out of rotd's go.sum. What each server lacks is written down in
// the servers' table; docs/contract.md is made from it (go test -update).
package contract
