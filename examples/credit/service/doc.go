// Package service is a credit association service (TSD-CRD): the issuer of
// credentials and the verification service in one, before a credit service that
// is somebody else ([Bureau]). It serves the eleven paths of the official
// reference-v1 OpenAPI description; what is decided, package credit decides.
//
// # What it promises
//
//   - Every answer of /v1/verifications is signed, also to what cannot be read.
//   - A nonce serves once, whatever request it comes with, and is recorded when
//     the proof holds. A request id ends with the PASS it gets; until then the
//     same question may be asked again with a fresh nonce, so that a credential
//     that fails does not burn a one-time authorization bound to it.
//   - State, authorization and its frequency are judged, and the use recorded,
//     in one transaction with the verification record.
//   - The bureau is asked about credit only after the credential has passed and
//     the authorization serves (TSD-CRD-VER-02).
//   - A credential, which carries the mapped value, is served to its subject
//     and its agent only; its state to everybody.
package service
